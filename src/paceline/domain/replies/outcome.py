"""What a server's reply means for the email, the sender and the host. A table, read from the top.

The code says whether it worked; but vendors refuse for the same reason with any code, and charge
their fault, ours and the recipient's with the same one. So words outrank codes where they say
plainly whose trouble it is (`by_words`, with the words of `limits`, `parties` and `tongues`), and
the enhanced status code (RFC 3463) outranks the bare one (`by_status`). The order is that of what a
mistake costs: our fault shall be charged to no recipient, no mailbox that lives be suppressed, and
only then no sender be held up. Vendors disagree with one another, so each rule names its source.
What carries no reply (a refused connection, a lost one, doubt) is not judged here. `docs/adr/` says
why it is done so.
"""

from __future__ import annotations

import functools

from paceline.domain.replies import by_status, by_words, words
from paceline.domain.replies.verdict import CODE_4XX, CODE_5XX, Rule, Verdict, rule

__all__ = ["RULES", "Rule", "Verdict", "classify", "matching_rule", "says_nothing"]

MAX_REMEMBERED = 1024  # replies

RULES: tuple[Rule, ...] = (
    # RFC 5321 §4.2.1: the first digit says whether it worked.
    rule(Verdict.ACCEPTED, "accepted", code=r"2\d\d"),
    # RFC 3207 §4: 454 is a temporary lack of TLS; anything else will not mend itself.
    rule(Verdict.HOST_BACKOFF, "TLS is unavailable for now", "tls", code=CODE_4XX),
    rule(Verdict.SENDER_BROKEN, "TLS was asked for and refused", "tls", code=CODE_5XX),
    *by_words.RULES,
    *by_status.RULES,
)


def matching_rule(*, phase: str, code: int, enhanced: str | None, text: str) -> Rule:
    """The first row that applies. Raises `ValueError` for a code that is no final answer."""
    return _first(phase, code, enhanced, words.plain(text))


# A server says the same of many emails, but for their addresses: a list is not read row by row for
# each of a million. What cannot be judged is not kept.
@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _first(phase: str, code: int, enhanced: str | None, said: str) -> Rule:
    for row in RULES:
        if row.matches(phase=phase, code=code, enhanced=enhanced, text=said):
            return row
    raise ValueError(f"{code} at {phase} is not a final reply")


def classify(*, phase: str, code: int, enhanced: str | None, text: str) -> Verdict:
    """What follows from a reply at a phase of the conversation (`delivery.Phase`, as text)."""
    return matching_rule(phase=phase, code=code, enhanced=enhanced, text=text).verdict


def says_nothing(*, phase: str, code: int, enhanced: str | None, text: str) -> bool:
    """Whether a refusal was judged by the first digit of its code alone: its words are unknown."""
    return matching_rule(phase=phase, code=code, enhanced=enhanced, text=text) in RULES[-2:]
