"""Which failed emails somebody means: by the reason, and by the reply that they failed with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from paceline.domain.lifecycle import FailureReason
from paceline.errors import InvalidInput

_REPLY = re.compile(r"(?P<code>none|[45]\d\d)(?: (?P<enhanced>none|[45]\.\d{1,3}\.\d{1,3}))?")
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFilter:
    """None means any. A code of 0, and an enhanced code of '', mean: without one."""

    reason: FailureReason | None = None
    reply_code: int | None = None
    reply_enhanced: str | None = None

    @classmethod
    def of(cls, *, reason: str | None = None, reply: str | None = None) -> FailedFilter:
        """`reply` is `550`, `550 5.7.1`, `550 none` or `none`. Raises `InvalidInput`."""
        code, enhanced = _read_reply(reply) if reply else (None, None)
        return cls(
            reason=_read_reason(reason) if reason else None,
            reply_code=code,
            reply_enhanced=enhanced,
        )


ANY_FAILURE = FailedFilter()


def reply_key(code: int | None, enhanced: str | None) -> str:
    """The reply in the form that `FailedFilter.of` reads: it means this one and no other."""
    return _NONE if code is None else f"{code} {enhanced or _NONE}"


def _read_reason(text: str) -> FailureReason:
    try:
        return FailureReason(text.strip().lower().replace("-", "_"))
    except ValueError:
        known = ", ".join(FailureReason)
        raise InvalidInput.of("reason", f"must be one of {known}") from None


def _read_reply(text: str) -> tuple[int, str | None]:
    found = _REPLY.fullmatch(" ".join(text.lower().split()))
    if found is None or (found["code"] == _NONE and found["enhanced"]):
        raise InvalidInput.of("reply", "must be a reply code such as 550 or 550 5.7.1, or none")
    enhanced = found["enhanced"]
    code = 0 if found["code"] == _NONE else int(found["code"])
    return code, "" if enhanced == _NONE else enhanced
