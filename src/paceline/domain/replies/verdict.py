"""What may follow from a reply, and the shape of a rule that says which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

# Phases of a conversation (`delivery.Phase`, as text) at which a rule may apply.
OPENING = ("connect", "greeting", "ehlo")
TALKING = ("mail", "rcpt", "data", "body", "dot")
AFTER_MAIL = ("rcpt", "data", "body", "dot")
NAMED = ("rcpt", "data", "dot")  # the recipient is known, and nothing of the body is half said
CODE_4XX, CODE_5XX, ANY_NO = r"4\d\d", r"5\d\d", r"[45]\d\d"


class Verdict(StrEnum):
    """What should follow from a reply."""

    ACCEPTED = "accepted"  # the next hop has it
    RETRY = "retry"  # this email again later; uses up an attempt
    FAIL = "fail"  # this email never; its address stays usable
    FAIL_AND_SUPPRESS = "fail_and_suppress"  # never again to this address
    FAIL_BY_POLICY = "fail_by_policy"  # this email never; its sender rests, or stops
    SENDER_BROKEN = "sender_broken"  # our account, name or From is at fault: no email fails
    SENDER_LIMITED = "sender_limited"  # our quota or rate: wait until it is new, use up no attempt
    CROWDED = "crowded"  # too many connections at once: fewer, use up no attempt
    RECONNECT = "reconnect"  # this connection has had its share: another one, use up no attempt
    HOST_BUSY = "host_busy"  # the server is in trouble and says so: wait, use up no attempt
    HOST_BACKOFF = "host_backoff"  # the server wants less of us, and does not say why


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row. Empty `phases`, and patterns that are None, match anything.

    A pattern is compiled when it is first looked for: all together take a tenth of a start.
    """

    verdict: Verdict
    why: str
    phases: frozenset[str] = frozenset()
    code: str | None = None
    enhanced: str | None = None
    text: str | None = None  # found in the plain words
    unless: str | None = None  # not found in them

    def matches(self, *, phase: str, code: int, enhanced: str | None, text: str) -> bool:
        """Whether every condition of the row holds; `text` is plain."""
        return (
            (not self.phases or phase in self.phases)
            and (self.code is None or _compiled(self.code).fullmatch(str(code)) is not None)
            and (
                self.enhanced is None
                or _compiled(self.enhanced).fullmatch(enhanced or "") is not None
            )
            and (self.text is None or _compiled(self.text).search(text) is not None)
            and (self.unless is None or _compiled(self.unless).search(text) is None)
        )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def rule(
    verdict: Verdict,
    why: str,
    *phases: str,
    code: str | None = None,
    enhanced: str | None = None,
    text: str | None = None,
    unless: str | None = None,
) -> Rule:
    return Rule(
        verdict=verdict,
        why=why,
        phases=frozenset(phases),
        code=code,
        enhanced=enhanced,
        text=text,
        unless=unless,
    )
