"""The second part of the table: what the code, the status and the step say, words permitting.

A status (RFC 3463) outranks a bare code. Words come in where a status is often wrong, or where
there is none.
"""

from __future__ import annotations

from paceline.domain.replies import limits, parties, words
from paceline.domain.replies.verdict import (
    AFTER_MAIL,
    CODE_4XX,
    CODE_5XX,
    NAMED,
    OPENING,
    TALKING,
    Rule,
    Verdict,
    rule,
)

RULES: tuple[Rule, ...] = (
    # RFC 5321 §3.8: 421 may come at any time and closes the connection; it is about the service.
    # RFC 3463 §3.4 and §3.5: its mail system, or the line. No recipient is at fault.
    rule(Verdict.HOST_BUSY, "the server is closing", code="421", enhanced=r"4\.[34]\.\d+"),
    rule(Verdict.HOST_BACKOFF, "the server is closing or has had enough of us", code="421"),
    # RFC 4954 §6 and §4. A password that is wrong for one email is wrong for all of them, and no
    # recipient is at fault. 4xx while logging in is the server's own trouble (454 4.7.0).
    rule(Verdict.HOST_BACKOFF, "the log-in failed for now", "auth", code=CODE_4XX),
    # Postfix with Dovecot: "535 5.7.8 … Connection lost to authentication server".
    rule(
        Verdict.HOST_BACKOFF,
        "the log-in failed for now, it says",
        "auth",
        code="535",
        text=limits.NO_ONE_TO_ASK,
    ),
    rule(Verdict.SENDER_BROKEN, "the log-in was refused", "auth", code=CODE_5XX),
    rule(Verdict.SENDER_BROKEN, "the server wants a (stronger) log-in or TLS", code=r"53\d"),
    rule(Verdict.SENDER_BROKEN, "the log-in is invalid or too weak", enhanced=r"5\.7\.(8|9|11)"),
    # iCloud says so of a recipient: "525 5.7.13 Disabled recipient address".
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "the mailbox is disabled, it says",
        *NAMED,
        code="5[25]\\d",
        enhanced=r"5\.7\.13",
        text=r"recipient|mailbox",
    ),
    # RFC 5248's registry: 525 5.7.13 follows a log-in to an account that is disabled: ours.
    rule(Verdict.SENDER_BROKEN, "the account is disabled", code=CODE_5XX, enhanced=r"5\.7\.13"),
    # RFC 5321 §4.1.1.1: what can be refused of EHLO is the name in it.
    rule(Verdict.SENDER_BROKEN, "our name in EHLO was refused", "ehlo", code=r"501|504|55[03]"),
    # RFC 5321 §3.1: 554 and 4xx at the greeting speak about our host, before any email is named.
    rule(
        Verdict.SENDER_BROKEN,
        "our host was refused",
        *OPENING,
        code=CODE_5XX,
        text=parties.OUR_HOST + r"|\breputation\b",
    ),
    rule(Verdict.HOST_BACKOFF, "the server takes no mail from us now", *OPENING),
    # Exchange Online NDR 5.7.60 and 5.2.252, and "5.2.0 …SendAsDeniedException" after the body;
    # Amazon SES "Email address is not verified"; Exim and qmail refuse to relay without a code.
    rule(
        Verdict.SENDER_BROKEN,
        "may not send as this From address",
        code=CODE_5XX,
        enhanced=r"5\.(7\.60|2\.252)",
    ),
    # RFC 3463 §3.2: 5.1.7 and 5.1.8 are bad *senders*, which Postfix reports at RCPT
    # (smtpd_delay_reject).
    rule(
        Verdict.SENDER_BROKEN, "the From address was refused", code=CODE_5XX, enhanced=r"5\.1\.[78]"
    ),
    # RFC 1870 §6, RFC 6531 §3.5: these are about the message although MAIL is where they appear.
    rule(Verdict.FAIL, "the message is too large", "mail", code="552"),
    rule(Verdict.FAIL, "the message does not suit the server", enhanced=r"5\.(2\.3|3\.4|6\.\d+)"),
    # RFC 5321 §4.3.2: 503 is about the order of commands: the conversation is out of step.
    rule(Verdict.HOST_BACKOFF, "the conversation is out of step", "mail", code="503"),
    # RFC 3463 §3.4: shut down, overloaded or maintained, and no fault of a From address.
    rule(Verdict.HOST_BUSY, "the server takes no mail", "mail", code=CODE_5XX, enhanced=r"5\.3\.2"),
    # GMX: "550 … Failure sending mail. Try again later". It names nobody, and will pass.
    rule(
        Verdict.HOST_BACKOFF,
        "the server takes no mail from us now, it says",
        "mail",
        code=CODE_5XX,
        text=words.LATER,
        unless=words.FOR_GOOD + "|" + words.ABOUT_CONTENT,
    ),
    # RFC 5321 §3.3: a permanent no to MAIL FROM is about the sender; the next email gets the same.
    rule(Verdict.SENDER_BROKEN, "the From address was refused", "mail", code=CODE_5XX),
    # RFC 3463 §3.2, RFC 7505 (5.1.10 null MX). 5.1.2 (no such domain) needs a look at the DNS
    # before an address is given up, so it only fails. Exim quotes "no such user" about a From.
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "there is no such mailbox",
        *NAMED,
        code=CODE_5XX,
        enhanced=r"5\.1\.(1|3|6|10)",
        unless=parties.NOT_ITS_ADDRESS,
    ),
    # A definite status outweighs words, but not one about policy: Yandex says 5.7.1 to "no such
    # user", and Trend Micro 5.7.1 to "Invalid-Recipient".
    rule(
        Verdict.SENDER_BROKEN,
        "may not send as this From address",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.OUR_FROM,
        unless=parties.NOT_US,
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "our host was refused",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.OUR_HOST,
        unless=words.ABOUT_CONTENT + "|" + parties.NOT_US,
    ),
    # RFC 7293: the mailbox is another's by now. Not for the old reader, and no fault of the sender.
    rule(Verdict.FAIL, "the mailbox has changed hands", code=CODE_5XX, enhanced=r"5\.7\.17"),
    # QQ says this of mailboxes that get much mail, and Tencent's help page that it will pass.
    rule(
        Verdict.RETRY,
        "the mailbox is busy",
        *AFTER_MAIL,
        code="550",
        text="mailbox unavailable or access denied",
    ),
    # RFC 3463 §3.3: mailbox full. 552 is permanent by its code.
    rule(Verdict.RETRY, "the mailbox is full", code=CODE_4XX, enhanced=r"4\.2\.2"),
    rule(Verdict.FAIL, "the mailbox is full", code=CODE_5XX, enhanced=r"5\.2\.2"),
    # RFC 3463 §3.3; not 521 (RFC 7504), which AOL says of messages as "521 5.2.1".
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "the mailbox is disabled",
        *NAMED,
        code=r"5(?!21)\d\d",
        enhanced=r"5\.2\.1",
        unless=parties.NOT_ITS_ADDRESS,
    ),
    # Exchange Online's directory based edge blocking.
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "there is no such mailbox",
        *NAMED,
        code="550",
        enhanced=r"5\.4\.1",
        text="^(?:address: |host: )?recipient address rejected: access denied",
    ),
    # Plain codes, with the words of every server since Sendmail.
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "there is no such mailbox, it says",
        *NAMED,
        code="55\\d|511|5[24]\\d",
        enhanced=r"(?!5\.1\.2).*",
        text=parties.NO_MAILBOX,
        unless=words.NOT_DEAD,
    ),
    rule(
        Verdict.FAIL_AND_SUPPRESS,
        "the mailbox is closed, it says",
        *NAMED,
        code="55[0-46]|5[24]\\d",
        enhanced=r"(5\.[0-5]\.\d+)?",
        text=parties.MAILBOX_CLOSED,
        unless=words.NOT_DEAD,
    ),
    rule(Verdict.HOST_BACKOFF, "the conversation is out of step", code="503"),
    # RFC 5321 §4.2.1 calls 5xx permanent; a server that says "later" knows better.
    rule(
        Verdict.RETRY,
        "refused for now, it says",
        *AFTER_MAIL,
        code=CODE_5XX,
        enhanced=r"(5\.[0-5]\.\d+)?",
        text=words.LATER,
        unless=words.FOR_GOOD + "|" + words.ABOUT_CONTENT,
    ),
    # What is wrong with something of ours is no fault of a recipient.
    rule(
        Verdict.SENDER_BROKEN,
        "something of ours was refused",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.OUR_SIDE,
        unless=words.ABOUT_CONTENT + "|" + parties.NOT_US + "|" + parties.NOT_OUR_SIDE,
    ),
    # RFC 3463 §3.8, RFC 7372, Gmail and Outlook 5.7.x: policy and reputation; the mailbox is real.
    rule(Verdict.FAIL_BY_POLICY, "refused by policy", code=CODE_5XX, enhanced=r"5\.7\.\d+"),
    # RFC 3463 §3.5 and §3.6: congestion, and too many recipients where there is but one: both
    # are how servers end a session.
    rule(
        Verdict.RECONNECT, "this connection has had its share", *TALKING, enhanced=r"4\.(4\.5|5\.3)"
    ),
    # Postfix: our host has no name. Whoever runs it has to see to that, and a resolver may be away.
    rule(Verdict.HOST_BUSY, "our host was refused for now", code=CODE_4XX, text=parties.OUR_HOST),
    rule(Verdict.RETRY, "greylisted, most likely", *AFTER_MAIL, code="45[01]", enhanced=r"4\.7\.1"),
    # RFC 3463 §3.8.
    rule(Verdict.HOST_BACKOFF, "the server limits our rate", enhanced=r"4\.7\.0"),
    # RFC 5321 §3.3: MAIL names no recipient, so none is at fault.
    rule(Verdict.HOST_BACKOFF, "the server takes no mail from us now", "mail", code=CODE_4XX),
    # RFC 5321 §4.2.1. A plain 550 without an enhanced code is no proof that the mailbox is gone.
    rule(Verdict.RETRY, "refused for now", code=CODE_4XX),
    rule(Verdict.FAIL, "refused for good", code=CODE_5XX),
)
