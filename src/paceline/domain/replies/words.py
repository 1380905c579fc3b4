"""What servers say, made plain, and the words that they say it with.

Servers say the same few things in a thousand sentences, and half of them in the wrong code. So the
patterns here, in `limits` (how much, how often) and in `parties` (who, and what of
theirs) know words and how they stand to one another, never whole sentences. They are read over
`plain(text)`. What follows from them is the table of `outcome`.
"""

from __future__ import annotations

import re
import unicodedata

MAX_READ = 1_000  # characters; what a server says in more has said so by then

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"<[^<>\s@]*@[^<>\s]*>|[\w.+%=-]+@[\w.-]+")
# Names of hosts, which may be called anything. `SendAsDenied.Exception` is none, by its end.
_HOST = re.compile(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b")
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])")  # SubmissionQuotaExceededException
_ACCENTS = re.compile(r"(?<=[a-z])[\u0300-\u036f]+")  # those of Latin letters
_LETTERS = str.maketrans({"\u2019": "'", "_": " ", "\u0142": "l", "\u00f8": "o", "\u00e6": "ae"})
_QUOTED_STATUS = re.compile(r"#?\b[245]\.\d{1,3}\.\d{1,3}\b")


def plain(text: str) -> str:
    """A reply in small letters without accents, and without links, addresses and hosts.

    Those only look like words. And no more than its beginning: the patterns look for words up to a
    few dozen others apart, from each word on, so that a text twice as long may take four times as
    long.
    """
    text = text[:MAX_READ]
    text = _LINK.sub(" ", text)
    text = _ADDRESS.sub(" address ", text)
    text = _HOST.sub(" host ", text)
    text = _JOINED.sub(" ", _QUOTED_STATUS.sub(" ", text))
    text = unicodedata.normalize("NFD", text.casefold())
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text))
    return " ".join(text.translate(_LETTERS).split())


def family(*patterns: str) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


# Up to so many other words, or characters, in between. Nothing that repeats may cut a text in two
# ways (so `\w` stands beside `\W`, and `\S` beside a blank): thirty dashes would take minutes.
SOME = r"(?:\w+\W+){0,4}?"
NEAR = r"[^.;]{0,50}?"

MAILS = r"(?:e-?mails?|mails?|messages?|msgs?|recipients?|rcpts?)"
CEILING = r"(?:rate|limit\w*|quotas?|credits?|allowance|threshold|cap|maximum|frequency)"
PASSED = (
    r"(?:exce\w*d\w*|exceeding|reach\w*|hit|used up|exhausted|depleted|over|above|surpassed|"
    r"violat\w+|too (?:high|many|much)|full)"
)
PERIOD = r"(?:second|minute|hour|day|week|month|24 ?h(?:ours?)?|daily|hourly|monthly|today)"

# --- Greylisting, and later ----------------------------------------------------------------------

GREYLISTED = r"gr[ea]y[- ]?list"
LATER = family(
    r"(?:try|retry|come|resend|send)\w*\W+(?:\w+ ){0,3}(?:again|back|later)\b",
    r"\bretry (?:in|after)\b",
    r"temporar\w+|later\b|in progress|for now|at this time|momentarily",
)
FOR_GOOD = r"permanent\w*|never|will not succeed|do not (?:re)?try"

TOO_LARGE = family(
    r"(?:message|mail|e-?mail|content|attachment|attachments|header|headers|file|data|"
    r"fixed) (?:\w+ )?size",
    r"size (?:limit|exceed|of (?:your|the) message)|maximum (?:\w+ )?size|too (?:large|big)\b",
    r"\d+ ?(?:bytes|octets|kb|mb)\b",
)
NO_SIZE = r"mailbox|storage|quota|per (?:hour|day)|disk|resources"
# Spam is what a message is called, whatever the sentence says of rates.
ABOUT_CONTENT = (
    r"\b(?:is|as|considered|likely|classified|detected|suspected|suspicion of|flagged|contains?|"
    r"looks like|content|message|url|link) (?:\w+ ){0,2}(?:spam\b|unsolicited|virus\w*|malware|"
    r"phish\w*)|"
    r"\b(?:link|url)s?\b.{0,40}\blisted\b|"
    r"\b(?:link|url|domain) (?:\w+ )?in (?:the |your )?(?:body|message|content)\b"
)
SENDER_VERIFY = r"sender verif|verification failed for|sender address"
# What no mailbox dies of.
NO_GRAVE = family(
    SENDER_VERIFY,
    r"\bsenders?\b|\bpolic(?:y|ies)\b|\breputation\b|\bspam\b|\bvirus|\bdnsbl\b|\brbl\b|\bblocked\b",
    r"\b(?:vacation|holidays?|out of (?:the )?office|on leave|until)\b",
    r"\b(?:black|block|deny) ?list|\blisted (?:at|by|in|on)\b",
    r"(?:message|mail)s? (?!address)(?:\w+ ){0,2}(?:rejected|refused|denied)",
    r"(?:rejected|refused|accept\w*|delivery of) (?:this|your|the) (?:message|mail|e-?mail)",
)
# What forbids to call a mailbox dead, whatever else is said of it.
NOT_DEAD = family(
    LATER,
    SENDER_VERIFY,
    r"\bsender\b|\bfrom\b|\bpolicy\b|\bspam\b|\bquota\b|\brate\b|\bfull\b",
    r"verif\w+ (?:in|error)|lookup|look-up|timed? ?out|\bdns\b",
)
