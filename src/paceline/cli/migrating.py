"""`paceline migrate`: the step of an upgrade that changes the schema; what it did, or would do."""

from __future__ import annotations

import json
import logging
import os
from typing import Annotated

import typer

from paceline.cli.console import say
from paceline.cli.loops import run_quickly
from paceline.errors import InvalidInput
from paceline.settings import Settings

log = logging.getLogger(__name__)


def migrate(
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would do")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The plan, for a program")] = False,
) -> None:
    """Bring the database to the newest schema, beside the version that runs."""
    if as_json and not plan:
        raise InvalidInput.of("--json", "goes with --plan")
    settings = Settings.from_environment(os.environ)
    from paceline.bootstrap import schema
    from paceline.bootstrap.preflight.looking import Part
    from paceline.cli.coming import counted, in_json, lines
    from paceline.cli.starting import check_once

    run_quickly(check_once(settings, Part.MIGRATE))
    if plan:
        coming = schema.plan(settings)
        for line in [json.dumps(in_json(coming))] if as_json else lines(coming):
            say(line)
        return
    applied = schema.migrate(settings)
    if not applied:
        log.info("nothing to do: the schema is at %s", schema.plan(settings).at)
        return
    seconds = sum(one.seconds for one in applied)
    to = applied[-1].step.revision
    log.info("the schema is at %s: %s in %.1f s", to, counted(len(applied)), seconds)
