"""`paceline` alone, `paceline help [COMMAND]` and `paceline version`: what only explains itself.

None of them reads a setting, so no `.env` can break them. All other commands read it as they run,
after their options have been understood.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from paceline import __version__
from paceline.cli.console import say, speak_in_log
from paceline.cli.environment import load_dotenv, load_secrets
from paceline.observability import configure_logging

EXIT_CODES = (
    "Exit codes: 0 done · 1 not done, and the last line says why · 2 not understood · "
    "78 a setting has to be changed first · 130 interrupted by Ctrl-C."
)


class WithSettings(TyperCommand):
    """A command that takes settings from `.env` and files, once it is clear that it will run."""

    def invoke(self, ctx: Any) -> Any:
        self.prepare()
        return super().invoke(ctx)

    def prepare(self) -> None:
        """Take them into the environment."""
        load_dotenv()
        load_secrets()


class PartCommand(WithSettings):
    """A part for production: whatever it says, its very first words too, is for its log."""

    def prepare(self) -> None:
        component = self.name or "paceline"
        speak_in_log(True)
        configure_logging(component, os.environ)
        super().prepare()
        configure_logging(component, os.environ)  # the file may have said how


def with_settings(app: typer.Typer) -> None:
    """Let the commands of `app` and its groups be such, but for those that are of another kind."""
    for command in app.registered_commands:
        if command.cls is TyperCommand:
            command.cls = WithSettings
    for group in app.registered_groups:
        if group.typer_instance is not None:
            with_settings(group.typer_instance)


class Explains(TyperCommand):
    """A command that needs no settings."""


def explain(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(help="Which one [all]")] = None,
) -> None:
    """Explain a command: the same as its --help."""
    root = context.find_root()
    root.command.main([*(command or []), "--help"], prog_name=root.info_name)


def version() -> None:
    """Print the version."""
    say(__version__)
