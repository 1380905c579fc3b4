"""How a check of a sender's account ended: told to whoever asked, and kept until it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from paceline.delivery import CheckResult, Phase
from paceline.domain.next_steps import Trouble, next_step
from paceline.persistence.stores.senders import SenderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """Whether the server can be reached and logged in to; if not, where it ended and why.

    `dialogue` is what was said, without secrets; `next_step` what to do, and `next_step_url` where.
    """

    ok: bool
    phase: Phase
    detail: str
    extensions: tuple[str, ...]
    checked_at: datetime
    dialogue: tuple[str, ...] = ()
    next_step: str | None = None
    next_step_url: str | None = None


def report_of(record: SenderRecord, result: CheckResult, *, at: datetime) -> CheckReport:
    """The result in words."""
    detail = str(result.reply) if result.reply and not result.ok else result.detail
    step = None
    if not result.ok:
        step = next_step(
            Trouble(
                phase=result.phase,
                code=result.reply.code if result.reply else None,
                detail=detail,
                host=record.smtp_host,
                port=record.smtp_port,
                security=record.smtp_security,
                auth=record.smtp_auth,
            )
        )
    return CheckReport(
        ok=result.ok,
        phase=result.phase,
        detail=detail,
        extensions=result.extensions,
        checked_at=at,
        dialogue=result.dialogue,
        next_step=step.text if step else None,
        next_step_url=step.url if step else None,
    )


def stored(report: CheckReport) -> dict[str, object]:
    """As the database keeps it."""
    values = {name: getattr(report, name) for name in CheckReport.__slots__}
    return {
        **values,
        "phase": report.phase.value,
        "checked_at": report.checked_at.isoformat(),
        "extensions": list(report.extensions),
        "dialogue": list(report.dialogue),
    }


def read(kept: Mapping[str, object] | None) -> CheckReport | None:
    """What the database kept."""
    if kept is None:
        return None
    values = cast("dict[str, Any]", dict(kept))
    values["phase"] = Phase(values["phase"])
    values["checked_at"] = datetime.fromisoformat(values["checked_at"])
    values["extensions"], values["dialogue"] = (
        tuple(values["extensions"]),
        tuple(values["dialogue"]),
    )
    return CheckReport(**values)
