"""The time zone of this machine, by its name where that can be found out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def local_zone(env: Mapping[str, str] = os.environ, root: Path = Path("/etc")) -> tzinfo:
    """From TZ, `/etc/localtime` or `/etc/timezone`; else today's offset, which knows no summer."""
    for name in (env.get("TZ", "").lstrip(":"), *_system_names(root)):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            if name:
                return ZoneInfo(name)
    offset = datetime.now().astimezone().tzinfo
    assert offset is not None
    return offset


def _system_names(root: Path) -> list[str]:
    names = []
    with suppress(OSError):
        _, found, name = str((root / "localtime").readlink()).partition("zoneinfo/")
        names.append(name if found else "")
    with suppress(OSError):
        names.append((root / "timezone").read_text().strip())
    return names
