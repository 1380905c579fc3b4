"""The entry point: `paceline` and `python -m paceline`."""

from __future__ import annotations

import zoneinfo


def main() -> None:
    """Run the command line. Zones come from the pinned `tzdata`, not from this machine's age."""
    zoneinfo.reset_tzpath(to=())
    from paceline.cli.app import run  # noqa: PLC0415 - after the zones are settled

    run()


if __name__ == "__main__":
    main()
