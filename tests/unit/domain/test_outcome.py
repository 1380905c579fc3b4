"""What each reply leads to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from paceline.delivery.replies import RawReply, ReplyParser
from paceline.domain.replies.outcome import RULES, Verdict, classify, matching_rule
from paceline.domain.replies.words import MAX_READ, plain

TABLE = [
    # at, code, enhanced, text, what follows
    ("dot", 250, "2.0.0", "queued", Verdict.ACCEPTED),
    ("greeting", 421, None, "too busy", Verdict.HOST_BUSY),
    ("greeting", 450, "4.7.1", "slow down", Verdict.SENDER_LIMITED),
    ("greeting", 554, None, "no service", Verdict.HOST_BACKOFF),
    ("ehlo", 550, "5.7.1", "your name is not liked", Verdict.SENDER_BROKEN),
    ("rcpt", 421, "4.7.0", "enough", Verdict.HOST_BACKOFF),
    ("dot", 421, None, "closing", Verdict.HOST_BACKOFF),
    ("tls", 454, "4.7.0", "not now", Verdict.HOST_BACKOFF),
    ("tls", 502, "5.5.1", "what?", Verdict.SENDER_BROKEN),
    ("auth", 535, "5.7.8", "bad credentials", Verdict.SENDER_BROKEN),
    ("auth", 530, None, "TLS first", Verdict.SENDER_BROKEN),
    ("auth", 534, "5.7.9", "too weak", Verdict.SENDER_BROKEN),
    ("rcpt", 525, "5.7.13", "Disabled recipient address", Verdict.FAIL_AND_SUPPRESS),
    ("mail", 550, "5.3.2", "System not accepting network messages", Verdict.HOST_BUSY),
    ("auth", 535, "5.7.8", "Connection lost to authentication server", Verdict.HOST_BACKOFF),
    ("auth", 538, "5.7.11", "encrypt", Verdict.SENDER_BROKEN),
    ("auth", 504, "5.5.4", "no such mechanism", Verdict.SENDER_BROKEN),
    ("auth", 454, "4.7.0", "later", Verdict.HOST_BACKOFF),
    ("mail", 530, "5.7.0", "log in", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.7.8", "log in", Verdict.SENDER_BROKEN),
    ("mail", 550, "5.7.1", "not your address", Verdict.SENDER_BROKEN),
    ("dot", 554, "5.7.60", "SendAsDenied", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.1.8", "your domain does not exist", Verdict.SENDER_BROKEN),
    ("mail", 552, "5.3.4", "too large", Verdict.FAIL),
    ("mail", 553, "5.6.7", "no SMTPUTF8", Verdict.FAIL),
    ("mail", 451, "4.3.0", "try again", Verdict.HOST_BACKOFF),
    ("rcpt", 550, "5.1.1", "no such user", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 551, "5.1.6", "moved", Verdict.FAIL_AND_SUPPRESS),
    ("dot", 550, "5.1.1", "no such user, found out late", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 556, "5.1.10", "takes no mail at all", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 550, "5.2.1", "disabled", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 525, "5.7.13", "your account is disabled", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.7.17", "mailbox owner has changed", Verdict.FAIL),
    ("mail", 550, "5.4.5", "Daily user sending limit exceeded", Verdict.SENDER_LIMITED),
    ("dot", 550, "5.4.5", "Daily user sending limit exceeded", Verdict.SENDER_LIMITED),
    ("rcpt", 550, "5.1.90", "Your message can't be sent", Verdict.SENDER_LIMITED),
    ("dot", 554, "5.2.252", "SendAsDenied; ada@example.com not allowed", Verdict.SENDER_BROKEN),
    ("dot", 554, "5.2.0", "STOREDRV.Submission.Exception:SendAsDenied", Verdict.SENDER_BROKEN),
    ("dot", 554, None, "Message rejected: Email address is not verified.", Verdict.SENDER_BROKEN),
    ("rcpt", 550, None, "relay not permitted", Verdict.SENDER_BROKEN),
    ("rcpt", 554, "5.7.1", "<ada@example.org>: Relay access denied", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.1.1", "unknown, and relay not permitted", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 532, "5.7.0", "you need an account", Verdict.SENDER_BROKEN),
    ("data", 503, "5.5.1", "bad sequence of commands", Verdict.HOST_BACKOFF),
    ("rcpt", 550, "5.1.2", "no such domain, says one resolver", Verdict.FAIL),
    ("rcpt", 550, None, "no", Verdict.FAIL),
    ("mail", 503, "5.5.1", "nested MAIL command", Verdict.HOST_BACKOFF),
    ("rcpt", 550, "5.7.1", "blocked", Verdict.FAIL_BY_POLICY),
    ("dot", 550, "5.7.26", "unauthenticated", Verdict.SENDER_BROKEN),
    ("dot", 550, "5.7.515", "does not meet the required level", Verdict.SENDER_BROKEN),
    ("dot", 554, None, "spam", Verdict.FAIL),
    ("rcpt", 552, "5.2.2", "mailbox full", Verdict.FAIL),
    ("rcpt", 452, "4.2.2", "mailbox full", Verdict.RETRY),
    ("rcpt", 450, "4.7.1", "come back", Verdict.RETRY),
    ("rcpt", 451, "4.7.0", "Greylisted, see …", Verdict.RETRY),
    ("rcpt", 450, None, "gray-listing in action", Verdict.RETRY),
    ("dot", 421, "4.7.0", "greylisted but closing", Verdict.HOST_BACKOFF),
    ("rcpt", 451, "4.7.28", "unusual rate", Verdict.SENDER_LIMITED),
    ("rcpt", 452, "4.5.3", "too many recipients", Verdict.SENDER_LIMITED),
    ("dot", 451, "4.3.0", "local error", Verdict.RETRY),
    ("data", 452, "4.3.1", "disk full", Verdict.HOST_BUSY),
    ("rcpt", 554, "5.7.1", "TLS is mandatory on this port", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.7.1", "the recipient's domain requires TLS", Verdict.FAIL_BY_POLICY),
    ("mail", 550, None, "failure sending mail, try again later", Verdict.HOST_BACKOFF),
    ("mail", 550, None, "never try again", Verdict.SENDER_BROKEN),
    ("rcpt", 421, "4.3.0", "temporary failure", Verdict.HOST_BUSY),
    ("ehlo", 421, "4.7.0", "Try again later, closing connection. (EHLO)", Verdict.HOST_BACKOFF),
    ("rcpt", 550, "5.1.1", "message refused for policy reasons", Verdict.FAIL),
    ("rcpt", 550, "5.1.1", "user unknown, message refused", Verdict.FAIL_AND_SUPPRESS),
    ("rcpt", 550, "5.1.1", "<a@example.org>: unauthorized sender", Verdict.SENDER_BROKEN),
    ("rcpt", 550, "5.1.1", "E-mail address rejected", Verdict.FAIL_AND_SUPPRESS),
    ("dot", 521, "5.2.1", "will not accept delivery of this message", Verdict.FAIL),
    # What the codes mean where the words say nothing.
    ("data", 421, "4.4.2", "operation timed out", Verdict.RECONNECT),
    ("data", 452, "4.5.3", "no", Verdict.RECONNECT),
    ("dot", 554, "5.2.122", "no", Verdict.RETRY),
    ("rcpt", 451, "4.7.28", "see our guidelines", Verdict.SENDER_LIMITED),
    ("rcpt", 452, "4.3.1", "no", Verdict.HOST_BUSY),
    ("rcpt", 451, "4.7.0", "no", Verdict.HOST_BACKOFF),
    ("rcpt", 450, "4.7.1", "Quota", Verdict.SENDER_LIMITED),
    ("rcpt", 450, "4.1.8", "Sender address rejected: Domain not found", Verdict.HOST_BUSY),
    ("mail", 421, None, "sender address not verified", Verdict.SENDER_BROKEN),
    ("rcpt", 525, "5.7.13", "no", Verdict.SENDER_BROKEN),
    ("mail", 552, None, "no", Verdict.FAIL),
    ("rcpt", 452, "4.2.2", "no", Verdict.RETRY),
    ("rcpt", 552, "5.2.2", "no", Verdict.FAIL),
    ("rcpt", 554, "5.2.1", "Mailbox locked by another process", Verdict.RETRY),
    ("mail", 552, "5.2.2", "mailbox full", Verdict.SENDER_LIMITED),
    ("rcpt", 550, None, "try later", Verdict.RETRY),
]


@pytest.mark.parametrize(("phase", "code", "enhanced", "text", "verdict"), TABLE)
def test_a_reply_leads_to_its_verdict(
    phase: str, code: int, enhanced: str | None, text: str, verdict: Verdict
) -> None:
    assert classify(phase=phase, code=code, enhanced=enhanced, text=text) is verdict


def test_every_rule_decides_something() -> None:
    used = {
        id(matching_rule(phase=phase, code=code, enhanced=enhanced, text=text))
        for phase, code, enhanced, text in (*(row[:4] for row in TABLE), *real_replies())
    }
    assert [rule.why for rule in RULES if id(rule) not in used] == []


def real_replies() -> Iterator[tuple[str, int, str | None, str]]:
    """Those of test_real_replies.py, at their steps."""
    for name in ("reported.tsv", "found.tsv", "later.tsv", "abroad.tsv"):
        for line in (Path(__file__).parent / "replies" / name).read_text("utf-8").splitlines():
            step, said = line.split("\t")[2:4]
            replies: deque[RawReply] = deque()
            ReplyParser().feed(f"{said}\r\n".encode(), replies)
            yield (step.lower(), *replies[0].readable())


def test_every_final_code_has_a_verdict_at_every_phase() -> None:
    for phase in ("greeting", "ehlo", "tls", "auth", "mail", "rcpt", "data", "body", "dot"):
        for code in (*range(200, 300), *range(400, 600)):
            assert classify(phase=phase, code=code, enhanced=None, text="") in Verdict


def test_only_the_permanent_words_about_a_mailbox_suppress_an_address() -> None:
    for phase in ("mail", "auth", "tls", "greeting"):
        verdict = classify(phase=phase, code=550, enhanced="5.1.1", text="")
        assert verdict is not Verdict.FAIL_AND_SUPPRESS
    assert classify(phase="rcpt", code=450, enhanced="5.1.1", text="") is Verdict.RETRY


@pytest.mark.parametrize("code", [100, 354, 600])
def test_a_code_that_ends_nothing_is_not_judged(code: int) -> None:
    with pytest.raises(ValueError, match="not a final reply"):
        classify(phase="dot", code=code, enhanced=None, text="")


@pytest.mark.parametrize("mark", ["-", "*", ".", "- ", ".-", "/", "'"])
@pytest.mark.parametrize(
    "before",
    [
        "user ",
        "<a@x.org>: ",
        "daily ",
        "5 ",
        "host ",
        "client ",
        "ip ",
        "absender ",
        "limit ",
        "spf ",
    ],
)
def test_a_reply_of_little_but_punctuation_is_read_at_once(before: str, mark: str) -> None:
    # Where a pattern can cut the same text in two ways, forty marks take longer than a lifetime.
    for text in (before + mark * 200, (before + mark * 3) * 40):
        matching_rule(phase="rcpt", code=550, enhanced=None, text=text)


def test_only_the_beginning_of_a_reply_is_read() -> None:
    begun = "so it is " * (MAX_READ // len("so it is "))
    far_away = f"{begun} the daily sending quota is exceeded"
    assert len(plain(f"{begun} {far_away * 1000}")) <= MAX_READ
    assert classify(phase="rcpt", code=550, enhanced=None, text=far_away) is Verdict.FAIL
    near = "the daily sending quota is exceeded " + begun
    assert classify(phase="rcpt", code=550, enhanced=None, text=near) is Verdict.SENDER_LIMITED
