"""The two families of error, and nothing else.

A `DomainError` is the caller's to mend and says how. An `OperationalError` is the world's fault and
is tried again. A bug is neither: it surfaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class PacelineError(Exception):
    """Root of both families."""


class DomainError(PacelineError):
    """The request cannot be carried out as asked; the message says what to do instead."""


class OperationalError(PacelineError):
    """A part of the world (database, Redis, network) failed; trying again may help."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one field.

    `field` is the name as the caller wrote it, dotted where nested (`recipients[3].email`).
    """

    field: str
    message: str


class InvalidInput(DomainError):
    """One or more fields are wrong. Nothing was stored."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = tuple(problems)

    @classmethod
    def of(cls, field: str, message: str) -> InvalidInput:
        """The usual case: a single field."""
        return cls([FieldProblem(field, message)])


class NotFound(DomainError):
    """No such thing, or it belongs to somebody else; the two are never told apart."""


class Conflict(DomainError):
    """The thing exists, but its state does not allow this."""


class TooMuchAtOnce(DomainError):
    """More than one owner, or one address, may ask for at a time. Nothing was done."""

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Busy(Conflict):
    """Another command about the same thing is being carried out. Nothing was done: ask again."""


class Outdated(DomainError):
    """It was to be done only to a version that is not there any more. Nothing was changed."""

    def __init__(self, current: str) -> None:
        super().__init__("it was changed meanwhile: read it again, and decide anew")
        self.current = current


class TooLate(Conflict):
    """The email has left, or is leaving, and cannot be called back."""


class SettingsError(DomainError):
    """A setting is unknown, unreadable or contradicts another; the start stops here."""
