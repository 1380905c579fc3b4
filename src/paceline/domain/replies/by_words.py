"""The first part of the table: words that say whose trouble it is, whatever the code beside them.

Read from the top, in the order of what a mistake costs: our fault shall be charged to no recipient,
no mailbox that lives be suppressed, and only then no sender be held up. What no words here tell is
left to `by_status`.
"""

from __future__ import annotations

from paceline.domain.replies import limits, parties, tongues, words
from paceline.domain.replies.verdict import (
    AFTER_MAIL,
    ANY_NO,
    CODE_4XX,
    CODE_5XX,
    TALKING,
    Rule,
    Verdict,
    rule,
)

# RFC 3463 §3.2 and §3.3: what is said is about an address or a mailbox, unless it is a sender's.
_NO_POLICY = r"(?![45]\.7\.).*"
_NO_MAILBOX = r"(?![45]\.(?:1\.[12346]|2\.[12])$).*"
_ABOUT_A_MAILBOX = r"[45]\.(1\.[12346]|2\.1\d*)"

RULES: tuple[Rule, ...] = (
    # Postfix refuses a name only at RCPT (smtpd_delay_reject) and, where it cannot be resolved,
    # for now; Exim and cPanel refuse it at once. Another try says the same name. 503 wants a HELO.
    rule(
        Verdict.SENDER_BROKEN,
        "our name in EHLO was refused",
        code=r"4\d\d|50[124]|5[1-9]\d",
        text=parties.OUR_NAME,
        unless=limits.CROWDED + r"|time[d]?[ -]?out",
    ),
    # Outlook ATTR38: recipients that it keeps in different places; each is to be tried alone.
    rule(
        Verdict.RETRY,
        "not together with others",
        *AFTER_MAIL,
        code="452",
        text="multiple regions|separate transaction",
    ),
    # RFC 6647: greylisting answers 4xx and hopes for a retry from the same client and envelope.
    rule(Verdict.RETRY, "greylisted", *TALKING, code=r"4[3-9]\d", text=words.GREYLISTED),
    # Stalwart 4.4.5, SES, Yahoo, GoDaddy IB510; Postfix smtpd_hard_error_limit; NetEase's codes.
    rule(
        Verdict.RECONNECT,
        "this connection has had its share",
        *TALKING,
        code=ANY_NO,
        text=limits.SESSION_SPENT,
        unless=r"concurrent|simultaneous|" + limits.STOPPED_FOR,
    ),
    rule(
        Verdict.RECONNECT,
        "timed out, and closing",
        *TALKING,
        code="421",
        text=r"time[d]?[ -]?out",
    ),
    # Exchange Online 4.3.2, Postfix smtpd_client_connection_count_limit, Orange OFR005_104.
    rule(
        Verdict.CROWDED,
        "too many connections at once",
        code=ANY_NO,
        text=limits.CROWDED,
        unless=limits.NO_CROWD,
    ),
    # RFC 1870 §6: a limit of size is about the message.
    rule(
        Verdict.FAIL,
        "the message is too large, it says",
        *TALKING,
        code=CODE_5XX,
        text=words.TOO_LARGE,
        unless=words.NO_SIZE,
    ),
    # Gmail 4.2.1 and 5.2.1 ReceivingRate, Exchange Online 5.2.121 and 5.2.122, Yandex 4.2.1.
    rule(
        Verdict.RETRY,
        "the mailbox gets too much mail for now",
        *AFTER_MAIL,
        code=ANY_NO,
        text=limits.THEIR_RATE,
    ),
    rule(
        Verdict.RETRY,
        "the mailbox gets too much mail for now, it seems",
        *AFTER_MAIL,
        code=ANY_NO,
        text=limits.PERHAPS_THEIR_RATE,
        unless=limits.OURS,
    ),
    rule(
        Verdict.RETRY,
        "the mailbox gets too much mail for now, by its status",
        *AFTER_MAIL,
        code=ANY_NO,
        enhanced=r"[45]\.2\.12[12]",
    ),
    # RFC 5321 §3.3: MAIL names no recipient. What is full, or over its quota, is ours.
    rule(
        Verdict.SENDER_LIMITED,
        "our own mailbox is full",
        "mail",
        code=ANY_NO,
        text=parties.MAILBOX_FULL,
    ),
    # Domino, qpopper and maildrops: whatever the code, its owner or a delivery has it open.
    rule(
        Verdict.RETRY,
        "the mailbox is in use",
        *AFTER_MAIL,
        code=ANY_NO,
        text=limits.IN_USE,
        unless=r"no longer in use|not in use",
    ),
    # Orange OFR_417, Comcast and Free say 5.1.1 or 5.2.1 of a mailbox that is full. 552 is
    # permanent by its code: the next campaign may try again.
    rule(
        Verdict.RETRY,
        "the mailbox is full",
        *AFTER_MAIL,
        code=CODE_4XX,
        enhanced=_NO_POLICY,
        text=parties.MAILBOX_FULL,
        unless=limits.OURS + "|" + limits.PERIODIC,
    ),
    rule(
        Verdict.FAIL,
        "the mailbox is full",
        *AFTER_MAIL,
        code=CODE_5XX,
        enhanced=_NO_POLICY,
        text=parties.MAILBOX_FULL,
        unless=limits.OURS + "|" + limits.PERIODIC,
    ),
    # No status about a mailbox makes it a dead one while the words speak of a rate, or of later.
    rule(
        Verdict.RETRY,
        "the mailbox is busy",
        *AFTER_MAIL,
        code=ANY_NO,
        enhanced=_ABOUT_A_MAILBOX,
        text=limits.BUSY,
        unless=r"\b(?:relay|outgoing|outbound|sending|customer|tenant|submission|your)\b|"
        r"too many recipients",
    ),
    # Exchange Online: a list or a group that takes mail from its members only.
    rule(
        Verdict.FAIL,
        "the recipient takes mail from few",
        *AFTER_MAIL,
        enhanced=r"5\.7\.1(?:2|24|29|3[3-6]|93)",
    ),
    rule(
        Verdict.FAIL,
        "the recipient takes mail from few, it says",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.TAKES_FROM_FEW,
        unless=r"unknown|no such|not found|\brelay",
    ),
    # Gmail 5.4.5 and Workspace 5.7.1, SES 454, SendGrid 451, QQ 550, Plesk and Migadu 554, Strato
    # 450, cPanel 550, postfwd and policyd 450: the same sentence with every code there is.
    rule(
        Verdict.SENDER_LIMITED,
        "our quota or rate is used up",
        code=ANY_NO,
        text=limits.LIMITED,
        unless=words.ABOUT_CONTENT,
    ),
    # A period and a ceiling are a quota in any language, and it is ours if it is not theirs.
    rule(
        Verdict.SENDER_LIMITED,
        "our quota is used up, it seems",
        code=ANY_NO,
        enhanced=_NO_MAILBOX,
        text=tongues.QUOTA,
        unless=tongues.NOT_OUR_QUOTA + "|" + words.ABOUT_CONTENT,
    ),
    # Cluebringer and its like: a quota that is a policy is none of a mailbox.
    rule(
        Verdict.SENDER_LIMITED,
        "a quota is used up, by policy",
        code=ANY_NO,
        enhanced=r"[45]\.7\.\d+",
        text=r"\bquota\b",
        unless="queue|mailbox|user is over",
    ),
    # Gmail 5.4.5 (daily sending limit), Exchange Online 5.1.90 (daily recipient limit) and 5.7.23x.
    rule(
        Verdict.SENDER_LIMITED,
        "the quota is used up",
        code=CODE_5XX,
        enhanced=r"5\.(4\.5|1\.90|7\.23[23])",
    ),
    # Gmail SMTP errors (4.7.28); Exchange Online 4.7.6xx.
    rule(
        Verdict.SENDER_LIMITED,
        "the server limits our rate",
        code=CODE_4XX,
        enhanced=r"4\.7\.(28|65\d)",
    ),
    # RFC 3463 §3.4 (mail system full, not accepting): about the server, at whatever step.
    rule(
        Verdict.HOST_BUSY,
        "the server is in trouble",
        code=CODE_4XX,
        text=limits.BUSY_SERVER,
        unless=r"\b(?:recipient|mailbox|destination|user)",
    ),
    rule(Verdict.HOST_BUSY, "the server is in trouble", code=CODE_4XX, enhanced=r"4\.3\.[12]"),
    # Mailgun says with 421 that an account was not activated, Mimecast with 451 that it is no
    # relay, and Postfix 454 where it defers (smtpd_relay_restrictions).
    rule(
        Verdict.SENDER_BROKEN,
        "the account may not send",
        code=ANY_NO,
        text=parties.OUR_ACCOUNT,
        unless=parties.OF_THEIRS,
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "may not send, or not without a log-in",
        "mail",
        *AFTER_MAIL,
        code=ANY_NO,
        enhanced=r"(?!5\.1\.(?:1|10)$).*",
        text=parties.OUR_RIGHTS,
        unless=parties.NOT_US,
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "wants a log-in, it says",
        "mail",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=tongues.LOG_IN_NEEDED,
    ),
    # Not where a recipient's domain wants it of the next server: "TLS required for RCPT domain".
    rule(
        Verdict.SENDER_BROKEN,
        "wants an encrypted connection, it says",
        "mail",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.ENCRYPTION_NEEDED,
        unless=r"\b(?:rcpt|recipient|destination|domain)\b",
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "may not send as this From address, it says",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=tongues.OUR_FROM,
        unless=tongues.NOT_OUR_FROM,
    ),
    # RFC 7372 (5.7.20 to 24, 26), Gmail (5.7.27, 30, 32, 40), Outlook (5.7.509, 515). A relay that
    # checks what is published about our domain says the same to every email.
    rule(
        Verdict.SENDER_BROKEN,
        "our domain's SPF, DKIM or DMARC does not match",
        "mail",
        *AFTER_MAIL,
        code=CODE_5XX,
        enhanced=r"5\.7\.(2[0-4]|2[67]|3[02]|40|509|515)",
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "our domain's SPF, DKIM or DMARC does not match, it says",
        "mail",
        *AFTER_MAIL,
        code=CODE_5XX,
        text=parties.OUR_DOMAIN,
        unless=words.ABOUT_CONTENT,
    ),
    # A name server may be away; and whoever looks after the From or the host may mend it.
    rule(
        Verdict.HOST_BUSY,
        "our From address was refused for now",
        *AFTER_MAIL,
        code=r"4[3-9]\d",
        text=parties.OUR_FROM,
        unless=parties.NOT_US,
    ),
    rule(
        Verdict.SENDER_BROKEN,
        "may not send as this From address",
        code="421",
        text=parties.OUR_FROM,
    ),
)
