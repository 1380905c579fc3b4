"""What a server's reply means for the email, the sender and the host. A table, read from the top.

The code says whether it worked; but vendors refuse for the same reason with any code, and charge
their fault, ours and the recipient's with the same one. So words outrank codes where they say
plainly whose trouble it is (`limits`, `parties`), and the enhanced status code (RFC
3463) outranks the bare one. The order is that of what a mistake costs: our fault shall be charged
to no recipient, no mailbox that lives be suppressed, and only then no sender be held up. Vendors
disagree with one another, so each rule names its source. What carries no reply (a refused
connection, a lost one, doubt) is not judged here. `docs/adr/` says why it is done so.
"""

from __future__ import annotations

import functools

from paceline.domain.replies import limits, parties, tongues, words
from paceline.domain.replies.verdict import Rule, Verdict
from paceline.domain.replies.verdict import rule as _rule

__all__ = ["RULES", "Rule", "Verdict", "classify", "matching_rule", "says_nothing"]

MAX_REMEMBERED = 1024  # replies

_V = Verdict
_OPENING = ("connect", "greeting", "ehlo")
_TALKING = ("mail", "rcpt", "data", "body", "dot")
_AFTER_MAIL = ("rcpt", "data", "body", "dot")
_NAMED = ("rcpt", "data", "dot")  # the recipient is known, and nothing of the body is half said
_4XX, _5XX, _NO = r"4\d\d", r"5\d\d", r"[45]\d\d"
# RFC 3463 §3.2 and §3.3: what is said is about an address or a mailbox, unless it is a sender's.
_NO_POLICY = r"(?![45]\.7\.).*"
_NO_MAILBOX = r"(?![45]\.(?:1\.[12346]|2\.[12])$).*"
_ABOUT_A_MAILBOX = r"[45]\.(1\.[12346]|2\.1\d*)"

RULES: tuple[Rule, ...] = (
    # RFC 5321 §4.2.1: the first digit says whether it worked.
    _rule(_V.ACCEPTED, "accepted", code=r"2\d\d"),
    # RFC 3207 §4: 454 is a temporary lack of TLS; anything else will not mend itself.
    _rule(_V.HOST_BACKOFF, "TLS is unavailable for now", "tls", code=_4XX),
    _rule(_V.SENDER_BROKEN, "TLS was asked for and refused", "tls", code=_5XX),
    # --- Words that say whose trouble it is, whatever the code. ---
    # Postfix refuses a name only at RCPT (smtpd_delay_reject) and, where it cannot be resolved,
    # for now; Exim and cPanel refuse it at once. Another try says the same name. 503 wants a HELO.
    _rule(
        _V.SENDER_BROKEN,
        "our name in EHLO was refused",
        code=r"4\d\d|50[124]|5[1-9]\d",
        text=parties.OUR_NAME,
        unless=limits.CROWDED,
    ),
    # Outlook ATTR38: recipients that it keeps in different places; each is to be tried alone.
    _rule(
        _V.RETRY,
        "not together with others",
        *_AFTER_MAIL,
        code="452",
        text="multiple regions|separate transaction",
    ),
    # RFC 6647: greylisting answers 4xx and hopes for a retry from the same client and envelope.
    _rule(_V.RETRY, "greylisted", *_TALKING, code=r"4[3-9]\d", text=words.GREYLISTED),
    # Stalwart 4.4.5, SES, Yahoo, GoDaddy IB510; Postfix smtpd_hard_error_limit; NetEase's codes.
    _rule(
        _V.RECONNECT,
        "this connection has had its share",
        *_TALKING,
        code=_NO,
        text=limits.SESSION_SPENT,
        unless=r"concurrent|simultaneous",
    ),
    _rule(
        _V.RECONNECT,
        "timed out, and closing",
        *_TALKING,
        code="421",
        text=r"time[d]?[ -]?out",
    ),
    # Exchange Online 4.3.2, Postfix smtpd_client_connection_count_limit, Orange OFR005_104.
    _rule(
        _V.CROWDED,
        "too many connections at once",
        code=_NO,
        text=limits.CROWDED,
        unless=limits.NO_CROWD,
    ),
    # Gmail 4.2.1 and 5.2.1 ReceivingRate, Exchange Online 5.2.121 and 5.2.122, Yandex 4.2.1.
    _rule(
        _V.RETRY,
        "the mailbox gets too much mail for now",
        *_AFTER_MAIL,
        code=_NO,
        text=limits.THEIR_RATE,
    ),
    _rule(
        _V.RETRY,
        "the mailbox gets too much mail for now, it seems",
        *_AFTER_MAIL,
        code=_NO,
        text=limits.PERHAPS_THEIR_RATE,
        unless=limits.OURS,
    ),
    _rule(
        _V.RETRY,
        "the mailbox gets too much mail for now, by its status",
        *_AFTER_MAIL,
        code=_NO,
        enhanced=r"[45]\.2\.12[12]",
    ),
    # RFC 1870 §6: a limit of size is about the message.
    _rule(
        _V.FAIL,
        "the message is too large, it says",
        *_TALKING,
        code=_5XX,
        text=words.TOO_LARGE,
        unless=words.NO_SIZE,
    ),
    # Orange OFR_417, Comcast and Free say 5.1.1 or 5.2.1 of a mailbox that is full. 552 is
    # permanent by its code: the next campaign may try again.
    _rule(
        _V.RETRY,
        "the mailbox is full",
        *_AFTER_MAIL,
        code=_4XX,
        enhanced=_NO_POLICY,
        text=parties.MAILBOX_FULL,
        unless=limits.OURS + "|" + limits.PERIODIC,
    ),
    _rule(
        _V.FAIL,
        "the mailbox is full",
        *_AFTER_MAIL,
        code=_5XX,
        enhanced=_NO_POLICY,
        text=parties.MAILBOX_FULL,
        unless=limits.OURS + "|" + limits.PERIODIC,
    ),
    # No status about a mailbox makes it a dead one while the words speak of a rate, or of later.
    _rule(
        _V.RETRY,
        "the mailbox is busy",
        *_AFTER_MAIL,
        code=_NO,
        enhanced=_ABOUT_A_MAILBOX,
        text=limits.BUSY,
        unless=r"\b(?:relay|outgoing|outbound|customer|tenant|submission|your)\b",
    ),
    # Exchange Online: a list or a group that takes mail from its members only.
    _rule(
        _V.FAIL,
        "the recipient takes mail from few",
        *_AFTER_MAIL,
        enhanced=r"5\.7\.1(?:2|24|29|3[3-6]|93)",
    ),
    _rule(
        _V.FAIL,
        "the recipient takes mail from few, it says",
        *_AFTER_MAIL,
        code=_5XX,
        text=parties.TAKES_FROM_FEW,
        unless=r"unknown|no such|not found|\brelay",
    ),
    # Gmail 5.4.5 and Workspace 5.7.1, SES 454, SendGrid 451, QQ 550, Plesk and Migadu 554, Strato
    # 450, cPanel 550, postfwd and policyd 450: the same sentence with every code there is.
    _rule(
        _V.SENDER_LIMITED,
        "our quota or rate is used up",
        code=_NO,
        text=limits.LIMITED,
        unless=words.ABOUT_CONTENT,
    ),
    # A period and a ceiling are a quota in any language, and it is ours if it is not theirs.
    _rule(
        _V.SENDER_LIMITED,
        "our quota is used up, it seems",
        code=_NO,
        enhanced=_NO_MAILBOX,
        text=tongues.QUOTA,
        unless=tongues.NOT_OUR_QUOTA + "|" + words.ABOUT_CONTENT,
    ),
    # Cluebringer and its like: a quota that is a policy is none of a mailbox.
    _rule(
        _V.SENDER_LIMITED,
        "a quota is used up, by policy",
        code=_NO,
        enhanced=r"[45]\.7\.\d+",
        text=r"\bquota\b",
        unless="queue|mailbox",
    ),
    # Gmail 5.4.5 (daily sending limit), Exchange Online 5.1.90 (daily recipient limit) and 5.7.23x.
    _rule(
        _V.SENDER_LIMITED,
        "the quota is used up",
        code=_5XX,
        enhanced=r"5\.(4\.5|1\.90|7\.23[23])",
    ),
    # Gmail SMTP errors (4.7.28); Exchange Online 4.7.6xx.
    _rule(_V.SENDER_LIMITED, "the server limits our rate", code=_4XX, enhanced=r"4\.7\.(28|65\d)"),
    # RFC 3463 §3.4 (mail system full, not accepting): about the server, at whatever step.
    _rule(
        _V.HOST_BUSY,
        "the server is in trouble",
        code=_4XX,
        text=limits.BUSY_SERVER,
        unless=r"\b(?:recipient|mailbox|destination|user)",
    ),
    _rule(_V.HOST_BUSY, "the server is in trouble", code=_4XX, enhanced=r"4\.3\.[12]"),
    # Mailgun says with 421 that an account was not activated, Mimecast with 451 that it is no
    # relay, and Postfix 454 where it defers (smtpd_relay_restrictions).
    _rule(
        _V.SENDER_BROKEN,
        "the account may not send",
        code=_NO,
        text=parties.OUR_ACCOUNT,
        unless=parties.OF_THEIRS,
    ),
    _rule(
        _V.SENDER_BROKEN,
        "may not send, or not without a log-in",
        "mail",
        *_AFTER_MAIL,
        code=_NO,
        enhanced=r"(?!5\.1\.(?:1|10)$).*",
        text=parties.OUR_RIGHTS,
        unless=parties.NOT_US,
    ),
    _rule(
        _V.SENDER_BROKEN,
        "wants a log-in, it says",
        "mail",
        *_AFTER_MAIL,
        code=_5XX,
        text=tongues.LOG_IN_NEEDED,
    ),
    _rule(
        _V.SENDER_BROKEN,
        "may not send as this From address, it says",
        *_AFTER_MAIL,
        code=_5XX,
        text=tongues.OUR_FROM,
        unless=tongues.NOT_OUR_FROM,
    ),
    # RFC 7372 (5.7.20 to 24, 26), Gmail (5.7.27, 30, 32, 40), Outlook (5.7.509, 515). A relay that
    # checks what is published about our domain says the same to every email.
    _rule(
        _V.SENDER_BROKEN,
        "our domain's SPF, DKIM or DMARC does not match",
        "mail",
        *_AFTER_MAIL,
        code=_5XX,
        enhanced=r"5\.7\.(2[0-4]|2[67]|3[02]|40|509|515)",
    ),
    _rule(
        _V.SENDER_BROKEN,
        "our domain's SPF, DKIM or DMARC does not match, it says",
        "mail",
        *_AFTER_MAIL,
        code=_5XX,
        text=parties.OUR_DOMAIN,
        unless=words.ABOUT_CONTENT,
    ),
    # A name server may be away; and whoever looks after the From or the host may mend it.
    _rule(
        _V.HOST_BUSY,
        "our From address was refused for now",
        *_AFTER_MAIL,
        code=r"4[3-9]\d",
        text=parties.OUR_FROM,
        unless=parties.NOT_US,
    ),
    _rule(_V.SENDER_BROKEN, "may not send as this From address", code="421", text=parties.OUR_FROM),
    # RFC 5321 §3.8: 421 may come at any time and closes the connection; it is about the service.
    _rule(_V.HOST_BACKOFF, "the server is closing or has had enough of us", code="421"),
    # RFC 4954 §6 and §4. A password that is wrong for one email is wrong for all of them, and no
    # recipient is at fault. 4xx while logging in is the server's own trouble (454 4.7.0).
    _rule(_V.HOST_BACKOFF, "the log-in failed for now", "auth", code=_4XX),
    _rule(_V.SENDER_BROKEN, "the log-in was refused", "auth", code=_5XX),
    _rule(_V.SENDER_BROKEN, "the server wants a (stronger) log-in or TLS", code=r"53\d"),
    _rule(_V.SENDER_BROKEN, "the log-in is invalid or too weak", enhanced=r"5\.7\.(8|9|11)"),
    # RFC 5248's registry: 525 5.7.13 follows a log-in to an account that is disabled: ours.
    _rule(_V.SENDER_BROKEN, "the account is disabled", code=_5XX, enhanced=r"5\.7\.13"),
    # RFC 5321 §4.1.1.1: what can be refused of EHLO is the name in it.
    _rule(_V.SENDER_BROKEN, "our name in EHLO was refused", "ehlo", code=r"501|504|55[03]"),
    # RFC 5321 §3.1: 554 and 4xx at the greeting speak about our host, before any email is named.
    _rule(
        _V.SENDER_BROKEN,
        "our host was refused",
        *_OPENING,
        code=_5XX,
        text=parties.OUR_HOST,
    ),
    _rule(_V.HOST_BACKOFF, "the server takes no mail from us now", *_OPENING),
    # Exchange Online NDR 5.7.60 and 5.2.252, and "5.2.0 …SendAsDeniedException" after the body;
    # Amazon SES "Email address is not verified"; Exim and qmail refuse to relay without a code.
    _rule(
        _V.SENDER_BROKEN,
        "may not send as this From address",
        code=_5XX,
        enhanced=r"5\.(7\.60|2\.252)",
    ),
    # RFC 3463 §3.2: 5.1.7 and 5.1.8 are bad *senders*, which Postfix reports at RCPT
    # (smtpd_delay_reject).
    _rule(_V.SENDER_BROKEN, "the From address was refused", code=_5XX, enhanced=r"5\.1\.[78]"),
    # RFC 1870 §6, RFC 6531 §3.5: these are about the message although MAIL is where they appear.
    _rule(_V.FAIL, "the message is too large", "mail", code="552"),
    _rule(_V.FAIL, "the message does not suit the server", enhanced=r"5\.(2\.3|3\.4|6\.\d+)"),
    # RFC 5321 §4.3.2: 503 is about the order of commands: the conversation is out of step.
    _rule(_V.HOST_BACKOFF, "the conversation is out of step", "mail", code="503"),
    # RFC 5321 §3.3: a permanent no to MAIL FROM is about the sender; the next email gets the same.
    _rule(_V.SENDER_BROKEN, "the From address was refused", "mail", code=_5XX),
    # RFC 3463 §3.2, RFC 7505 (5.1.10 null MX). 5.1.2 (no such domain) needs a look at the DNS
    # before an address is given up, so it only fails. Exim quotes "no such user" about a From.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "there is no such mailbox",
        *_NAMED,
        code=_5XX,
        enhanced=r"5\.1\.(1|3|6|10)",
        unless=words.SENDER_VERIFY,
    ),
    # A definite status outweighs words, but not one about policy: Yandex says 5.7.1 to "no such
    # user", and Trend Micro 5.7.1 to "Invalid-Recipient".
    _rule(
        _V.SENDER_BROKEN,
        "may not send as this From address",
        *_AFTER_MAIL,
        code=_5XX,
        text=parties.OUR_FROM,
        unless=parties.NOT_US,
    ),
    _rule(
        _V.SENDER_BROKEN,
        "our host was refused",
        *_AFTER_MAIL,
        code=_5XX,
        text=parties.OUR_HOST,
        unless=words.ABOUT_CONTENT + "|" + parties.NOT_US,
    ),
    # RFC 7293: the mailbox is another's by now. Not for the old reader, and no fault of the sender.
    _rule(_V.FAIL, "the mailbox has changed hands", code=_5XX, enhanced=r"5\.7\.17"),
    # QQ says this of mailboxes that get much mail, and Tencent's help page that it will pass.
    _rule(
        _V.RETRY,
        "the mailbox is busy",
        *_AFTER_MAIL,
        code="550",
        text="mailbox unavailable or access denied",
    ),
    # RFC 3463 §3.3: mailbox full. 552 is permanent by its code.
    _rule(_V.RETRY, "the mailbox is full", code=_4XX, enhanced=r"4\.2\.2"),
    _rule(_V.FAIL, "the mailbox is full", code=_5XX, enhanced=r"5\.2\.2"),
    # RFC 3463 §3.3.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "the mailbox is disabled",
        *_NAMED,
        code=_5XX,
        enhanced=r"5\.2\.1",
    ),
    # Exchange Online's directory based edge blocking.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "there is no such mailbox",
        *_NAMED,
        code="550",
        enhanced=r"5\.4\.1",
        text="^(?:address: |host: )?recipient address rejected: access denied",
    ),
    # Plain codes, with the words of every server since Sendmail.
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "there is no such mailbox, it says",
        *_NAMED,
        code="55\\d|511|5[24]\\d",
        enhanced=r"(?!5\.1\.2).*",
        text=parties.NO_MAILBOX,
        unless=words.NOT_DEAD,
    ),
    _rule(
        _V.FAIL_AND_SUPPRESS,
        "the mailbox is closed, it says",
        *_NAMED,
        code="55[0-46]|5[24]\\d",
        enhanced=r"(5\.[0-5]\.\d+)?",
        text=parties.MAILBOX_CLOSED,
        unless=words.NOT_DEAD,
    ),
    _rule(_V.HOST_BACKOFF, "the conversation is out of step", code="503"),
    # RFC 5321 §4.2.1 calls 5xx permanent; a server that says "later" knows better.
    _rule(
        _V.RETRY,
        "refused for now, it says",
        *_AFTER_MAIL,
        code=_5XX,
        enhanced=r"(5\.[0-5]\.\d+)?",
        text=words.LATER,
        unless=words.FOR_GOOD + "|" + words.ABOUT_CONTENT,
    ),
    # What is wrong with something of ours is no fault of a recipient.
    _rule(
        _V.SENDER_BROKEN,
        "something of ours was refused",
        *_AFTER_MAIL,
        code=_5XX,
        text=parties.OUR_SIDE,
        unless=words.ABOUT_CONTENT + "|" + parties.NOT_US + "|" + parties.NOT_OUR_SIDE,
    ),
    # RFC 3463 §3.8, RFC 7372, Gmail and Outlook 5.7.x: policy and reputation; the mailbox is real.
    _rule(_V.FAIL_BY_POLICY, "refused by policy", code=_5XX, enhanced=r"5\.7\.\d+"),
    # RFC 3463 §3.5 and §3.6: congestion, and too many recipients where there is but one: both
    # are how servers end a session.
    _rule(_V.RECONNECT, "this connection has had its share", *_TALKING, enhanced=r"4\.(4\.5|5\.3)"),
    # Postfix: our host has no name. Whoever runs it has to see to that, and a resolver may be away.
    _rule(_V.HOST_BUSY, "our host was refused for now", code=_4XX, text=parties.OUR_HOST),
    _rule(_V.RETRY, "greylisted, most likely", *_AFTER_MAIL, code="45[01]", enhanced=r"4\.7\.1"),
    # RFC 3463 §3.8.
    _rule(_V.HOST_BACKOFF, "the server limits our rate", enhanced=r"4\.7\.0"),
    # RFC 5321 §3.3: MAIL names no recipient, so none is at fault.
    _rule(_V.HOST_BACKOFF, "the server takes no mail from us now", "mail", code=_4XX),
    # RFC 5321 §4.2.1. A plain 550 without an enhanced code is no proof that the mailbox is gone.
    _rule(_V.RETRY, "refused for now", code=_4XX),
    _rule(_V.FAIL, "refused for good", code=_5XX),
)


def matching_rule(*, phase: str, code: int, enhanced: str | None, text: str) -> Rule:
    """The first row that applies. Raises `ValueError` for a code that is no final answer."""
    return _first(phase, code, enhanced, words.plain(text))


# A server says the same of many emails, but for their addresses: a list is not read row by row for
# each of a million. What cannot be judged is not kept.
@functools.lru_cache(maxsize=MAX_REMEMBERED)
def _first(phase: str, code: int, enhanced: str | None, said: str) -> Rule:
    for rule in RULES:
        if rule.matches(phase=phase, code=code, enhanced=enhanced, text=said):
            return rule
    raise ValueError(f"{code} at {phase} is not a final reply")


def classify(*, phase: str, code: int, enhanced: str | None, text: str) -> Verdict:
    """What follows from a reply at a phase of the conversation (`delivery.Phase`, as text)."""
    return matching_rule(phase=phase, code=code, enhanced=enhanced, text=text).verdict


def says_nothing(*, phase: str, code: int, enhanced: str | None, text: str) -> bool:
    """Whether a refusal was judged by the first digit of its code alone: its words are unknown."""
    return matching_rule(phase=phase, code=code, enhanced=enhanced, text=text) is RULES[-1]
