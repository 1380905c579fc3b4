"""How a check of a sender's account ended: told to whoever asked, and kept until it changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from paceline.delivery import CheckResult, Phase
from paceline.domain.lifecycle import SenderState
from paceline.domain.next_steps import NextStep, Trouble, next_step
from paceline.persistence.stores.senders import SenderRecord

_NO_STARTTLS = "does not offer STARTTLS"
_LOG_IN_REFUSED = re.compile(r"53[0458]\b")  # RFC 4954 §6


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
        code = result.reply.code if result.reply else None
        step = next_step(_trouble(record, result.phase, code, detail))
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


def way_out(record: SenderRecord) -> NextStep | None:
    """What mends a sender that its server has refused while sending; None where that is unknown."""
    reason = record.state_reason or ""
    if record.state != SenderState.BROKEN:
        return None
    if _NO_STARTTLS in reason:
        return next_step(_trouble(record, Phase.TLS, None, reason))
    code = _LOG_IN_REFUSED.match(reason)
    if code is None:
        return None
    return next_step(_trouble(record, Phase.AUTH, int(code[0]), reason))


def _trouble(record: SenderRecord, phase: Phase, code: int | None, detail: str) -> Trouble:
    return Trouble(
        phase=phase,
        code=code,
        detail=detail,
        host=record.smtp_host,
        port=record.smtp_port,
        security=record.smtp_security,
        auth=record.smtp_auth,
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
