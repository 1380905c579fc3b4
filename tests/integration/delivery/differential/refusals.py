"""What the servers of these tests refuse, at which step and with what: the addresses say it."""

from __future__ import annotations

REPLIES = {
    421: "4.3.2 come back later",
    450: "4.2.1 this mailbox is busy",
    451: "4.3.0 something is wrong here",
    452: "4.2.2 this mailbox is full",
    550: "5.1.1 there is no such mailbox",
    552: "5.2.2 this mailbox is full for good",
    553: "5.1.3 this is no mailbox",
    554: "5.7.1 we do not like it",
}
AT_GREETING = (421, 554)  # each has a port of its own


def address(step: str, code: int) -> str:
    """The sender (the recipient, at RCPT) that is refused at this step with this code."""
    return f"{step}-{code}@refused.test"


def helo_name(code: int) -> str:
    """The client that is refused at EHLO, and at HELO."""
    return f"ehlo-{code}.refused.test"


def reply_to(step: str, given: str) -> str | None:
    """What is answered to an address or a client's name at this step, None for a yes."""
    named, _, code = given.partition("@")[0].partition(".")[0].partition("-")
    if not given.endswith("refused.test") or named != step:
        return None
    return f"{code} {REPLIES[int(code)]}"


def table(*steps: str) -> dict[str, str]:
    """Each address and name that is refused at one of these steps, with its reply."""
    refused = {
        address(step, code): f"{code} {text}" for step in steps for code, text in REPLIES.items()
    }
    if "ehlo" in steps:
        refused |= {helo_name(code): f"{code} {text}" for code, text in REPLIES.items()}
    return refused
