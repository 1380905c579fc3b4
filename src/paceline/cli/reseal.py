"""`paceline reseal`: after a change of the secret key, seal what is stored with the new one."""

from __future__ import annotations

import os

from paceline.cli.access import HomeOption
from paceline.cli.console import say
from paceline.cli.environment import settings_of
from paceline.cli.loops import run_quickly
from paceline.errors import Conflict
from paceline.observability import configure_logging


def reseal(home: HomeOption = None) -> None:
    """Seal all stored passwords, grants and DKIM keys with PACELINE_SECRET_KEY.

    The key they are sealed with now stands in PACELINE_SECRET_KEY_RETIRED. First restart every
    process with both. It may run beside everything else, be broken off and run again.
    """
    configure_logging("cli", {"PACELINE_LOG_LEVEL": "warning", **os.environ})
    settings = settings_of(home)
    from paceline.bootstrap.resealing import reseal as run

    done = run_quickly(run(settings))
    say(f"{done.secrets} secrets sealed anew")
    if not done.settled:
        raise Conflict(
            "secrets are still being sealed with a retired key: restart the processes that have it "
            "as PACELINE_SECRET_KEY, and run this again"
        )
    say("nothing is left that a retired key opens")
    if done.unreadable:
        named = ", ".join(str(sender_id) for sender_id in done.unreadable[:5])
        raise Conflict(
            f"secrets of {len(done.unreadable)} senders open with none of the keys ({named}): name "
            "the key in PACELINE_SECRET_KEY_RETIRED, or enter those passwords again"
        )
