"""What a download is called, in the header that says so (RFC 6266)."""

from __future__ import annotations

from urllib.parse import quote

MAX_FILE_NAME = 150  # characters


def content_disposition(name: str, how: str = "attachment") -> str:
    """The value of the header.

    Its name loses what could lead elsewhere or hide how it ends (paths, controls, marks that turn
    the direction of writing).
    """
    safe = "".join(c for c in name.replace("/", "_").replace("\\", "_") if c.isprintable())
    safe = safe.strip(". ")[:MAX_FILE_NAME] or "attachment"
    plain = "".join(c if c.isascii() and c not in '"%' else "_" for c in safe)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
