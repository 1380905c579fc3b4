"""What a server's reply means for the email, the sender and the host. A table, read from the top.

The code is asked first, then the enhanced status code (RFC 3463), then, for greylisting only, the
words. Vendors disagree with one another, so each rule names its source. What carries no reply
(a refused connection, a lost one, doubt) is not judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What should follow from a reply."""

    ACCEPTED = "accepted"  # the next hop has it
    RETRY = "retry"  # this email again later; uses up an attempt
    FAIL = "fail"  # this email never; its address stays usable
    FAIL_AND_SUPPRESS = "fail_and_suppress"  # never again to this address
    FAIL_BY_POLICY = "fail_by_policy"  # this email never; its sender rests, or stops
    SENDER_BROKEN = "sender_broken"  # our account or From is at fault: its emails wait, none fails
    HOST_BACKOFF = "host_backoff"  # the server wants less of us: wait, use up no attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row. Empty `phases`, and patterns that are None, match anything."""

    verdict: Verdict
    why: str
    phases: frozenset[str] = frozenset()
    code: re.Pattern[str] | None = None
    enhanced: re.Pattern[str] | None = None
    text: re.Pattern[str] | None = None

    def matches(self, *, phase: str, code: int, enhanced: str | None, text: str) -> bool:
        """Whether every condition of the row holds."""
        return (
            (not self.phases or phase in self.phases)
            and (self.code is None or self.code.fullmatch(str(code)) is not None)
            and (self.enhanced is None or self.enhanced.fullmatch(enhanced or "") is not None)
            and (self.text is None or self.text.search(text) is not None)
        )


def _rule(
    verdict: Verdict,
    why: str,
    *phases: str,
    code: str | None = None,
    enhanced: str | None = None,
    text: str | None = None,
) -> Rule:
    return Rule(
        verdict=verdict,
        why=why,
        phases=frozenset(phases),
        code=re.compile(code) if code else None,
        enhanced=re.compile(enhanced) if enhanced else None,
        text=re.compile(text, re.IGNORECASE) if text else None,
    )


_V = Verdict

RULES: tuple[Rule, ...] = (
    # RFC 5321 §4.2.1: the first digit says whether it worked.
    _rule(_V.ACCEPTED, "accepted", code=r"2\d\d"),
    # RFC 5321 §3.8: 421 may come at any time and closes the connection; it is about the service.
    _rule(_V.HOST_BACKOFF, "the server is closing or has had enough of us", code="421"),
    # RFC 4954 §6 and §4. A password that is wrong for one email is wrong for all of them, and no
    # recipient is at fault. 4xx while logging in is the server's own trouble (454 4.7.0).
    _rule(_V.HOST_BACKOFF, "the log-in failed for now", "auth", code=r"4\d\d"),
    _rule(_V.SENDER_BROKEN, "the log-in was refused", "auth", code=r"5\d\d"),
    _rule(_V.SENDER_BROKEN, "the server wants a (stronger) log-in or TLS", code=r"53\d"),
    _rule(_V.SENDER_BROKEN, "the log-in is invalid or too weak", enhanced=r"5\.7\.(8|9|11)"),
    # RFC 5248's registry: 525 5.7.13 follows a log-in to an account that is disabled: ours.
    _rule(_V.SENDER_BROKEN, "the account is disabled", code=r"5\d\d", enhanced=r"5\.7\.13"),
    # RFC 3207 §4: 454 is a temporary lack of TLS; anything else will not mend itself.
    _rule(_V.HOST_BACKOFF, "TLS is unavailable for now", "tls", code=r"4\d\d"),
    _rule(_V.SENDER_BROKEN, "TLS was asked for and refused", "tls", code=r"5\d\d"),
    # RFC 5321 §3.1: 554 and 4xx at the greeting speak about our host, before any email is named.
    _rule(_V.HOST_BACKOFF, "the server takes no mail from us now", "connect", "greeting", "ehlo"),
    # Gmail 5.4.5 (daily sending limit), Exchange Online 5.1.90 (daily recipient limit): permanent
    # by their code, and over when the day is.
    _rule(_V.HOST_BACKOFF, "the quota is used up", code=r"5\d\d", enhanced=r"5\.(4\.5|1\.90)"),
    # Exchange Online NDR 5.7.60 and 5.2.252, and "5.2.0 …SendAsDeniedException" after the body;
    # Amazon SES "Email address is not verified"; Exim and qmail refuse to relay without a code.
    _rule(
        _V.SENDER_BROKEN,
        "may not send as this From address",
        code=r"5\d\d",
        enhanced=r"5\.(7\.60|2\.252)",
    ),
    _rule(
        _V.SENDER_BROKEN,
        "may not send as this From address, or not at all",
        code=r"5\d\d",
        enhanced=r"(5\.([02]\.0|7\.\d+))?",  # words do not outweigh a definite code
        text=r"SendAsDenied|address is not verified|relay(ing)? (access )?(denied|not permitted)",
    ),
    # RFC 3463 §3.2: 5.1.7 and 5.1.8 are bad *senders*, which Postfix reports at RCPT
    # (smtpd_delay_reject).
    _rule(_V.SENDER_BROKEN, "the From address was refused", code=r"5\d\d", enhanced=r"5\.1\.[78]"),
    # RFC 1870 §6, RFC 6531 §3.5: these are about the message although MAIL is where they appear.
    _rule(_V.FAIL, "the message is too large", "mail", code="552"),
    _rule(_V.FAIL, "the message does not suit the server", enhanced=r"5\.(2\.3|3\.4|6\.\d+)"),
    # RFC 5321 §4.3.2: 503 is about the order of commands: the conversation is out of step.
    _rule(_V.HOST_BACKOFF, "the conversation is out of step", "mail", code="503"),
    # RFC 5321 §3.3: a permanent no to MAIL FROM is about the sender; the next email gets the same.
    _rule(_V.SENDER_BROKEN, "the From address was refused", "mail", code=r"5\d\d"),
    # RFC 6647: greylisting answers 4xx and hopes for a retry from the same client and envelope.
    _rule(_V.RETRY, "greylisted", code=r"4\d\d", text=r"gr[ea]y[- ]?list"),
    _rule(_V.RETRY, "greylisted, most likely", code="45[01]", enhanced=r"4\.7\.1"),
    # Gmail SMTP errors (4.7.0, 4.7.28); RFC 3463 §3.6 (4.5.3 too many recipients).
    _rule(_V.HOST_BACKOFF, "the server limits our rate", enhanced=r"4\.(7\.0|7\.28|5\.3)"),
    # RFC 3463 §3.3: mailbox full. 552 is permanent by its code, yet mailboxes are emptied.
    _rule(_V.RETRY, "the mailbox is full", code="[45]52", enhanced=r"[45]\.2\.2"),
    # RFC 7293: the mailbox is another's by now. Not for the old reader, and no fault of the sender.
    _rule(_V.FAIL, "the mailbox has changed hands", code=r"5\d\d", enhanced=r"5\.7\.17"),
    # RFC 3463 §3.2, RFC 7505 (5.1.10 null MX). 5.1.2 (no such domain) needs a look at the DNS
    # before an address is given up, so it only fails.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "there is no such mailbox",
        "rcpt",
        "data",
        "dot",
        code=r"5\d\d",
        enhanced=r"5\.1\.(1|3|6|10)",
    ),
    # RFC 3463 §3.3.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "the mailbox is disabled",
        "rcpt",
        "data",
        "dot",
        code=r"5\d\d",
        enhanced=r"5\.2\.1",
    ),
    _rule(_V.HOST_BACKOFF, "the conversation is out of step", code="503"),
    # RFC 3463 §3.8, RFC 7372, Gmail and Outlook 5.7.x: policy and reputation; the mailbox is real.
    _rule(_V.FAIL_BY_POLICY, "refused by policy", code=r"5\d\d", enhanced=r"5\.7\.\d+"),
    # RFC 5321 §4.2.1. A plain 550 without an enhanced code is no proof that the mailbox is gone.
    _rule(_V.RETRY, "refused for now", code=r"4\d\d"),
    _rule(_V.FAIL, "refused for good", code=r"5\d\d"),
)


def matching_rule(*, phase: str, code: int, enhanced: str | None, text: str) -> Rule:
    """The first row that applies. Raises `ValueError` for a code that is no final answer."""
    for rule in RULES:
        if rule.matches(phase=phase, code=code, enhanced=enhanced, text=text):
            return rule
    raise ValueError(f"{code} at {phase} is not a final reply")


def classify(*, phase: str, code: int, enhanced: str | None, text: str) -> Verdict:
    """What follows from a reply at a phase of the conversation (`delivery.Phase`, as text)."""
    return matching_rule(phase=phase, code=code, enhanced=enhanced, text=text).verdict
