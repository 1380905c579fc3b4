"""The entry point: `paceline` and `python -m paceline`."""

from __future__ import annotations

import os
import sys
import zoneinfo
from contextlib import suppress

# Whatever these say is for their log.
PARTS = frozenset({"api", "worker", "migrate", "devinbox", "welcome"})


def main() -> None:
    """Run the command line. Zones come from the pinned `tzdata`, not from this machine's age."""
    zoneinfo.reset_tzpath(to=())
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        _log_from_the_beginning(sys.argv[1])
    from paceline.cli.app import run  # noqa: PLC0415 - after the zones are settled

    run()


def _log_from_the_beginning(part: str) -> None:
    """Also that something of ours cannot be imported."""
    from paceline.errors import SettingsError  # noqa: PLC0415
    from paceline.observability import configure_logging, log_crashes  # noqa: PLC0415

    log_crashes()
    with suppress(SettingsError):  # told once its options are understood
        configure_logging(part, os.environ)


if __name__ == "__main__":
    main()
