"""Lines of CSV (RFC 4180) for people who open them in a spreadsheet.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
Injection"): much of what is exported was written by strangers, such as the replies of servers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Sequence[str | None]]) -> bytes:
    """The rows as they stand in a file, UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerows([_harmless(cell or "") for cell in row] for row in rows)
    return out.getvalue().encode("utf-8", "replace")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
