"""Reads one value of a column about consent: whether it says yes, no, or neither.

Where a column is about consent, what does not say yes is a no: a pending, an expired or an unknown
consent is none. Where no value says yes, the column may list something else, and only a no counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from paceline.domain.tables import consent_title_words as titled
from paceline.domain.tables import consent_words as said
from paceline.domain.tables.consent_sentences import says_so_in_a_sentence
from paceline.domain.tables.words import NO_VALUE, comparable, grams

Reads = Callable[[str], bool]

_OPENING = re.compile(r"\s*((?:please )?[\w'’]+(?: not\b)?)[\s,.;:!–-]", re.IGNORECASE)
_MOMENT = re.compile(
    r"\s*\d{1,4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,4}\D?.{0,30}|\s*\d{10}(?:\d{3})?\s*"
)
_NO_MOMENT = re.compile(r"0000-00-00.*|00/00/0000.*")
_NUMBER = re.compile(r"[-+]?[\d\s.,%€$£]+")
_STILL_IN = frozenset(
    map(comparable, ("none", "never", "subscribed", "active", "opted in", "not bounced", "allow"))
) | {"allowed", "allows"}
# “I do not agree”, “Ich stimme nicht zu”: in an answer of a few words.
_NEGATION = re.compile(
    r"\b(?:do not|did not|don['’]?t|not|nicht|kein(?:e[nrms]?)?|pas|niet|geen|ikke|inte)\b"
    r"|m[ıiuü]yor|(?:ない|ません|않음|안함)\W*\Z",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot\b|n['’]t\b", re.IGNORECASE)
_NEGATION_AHEAD = re.compile(r"\A\s*(?:no|non|não|nie|не|ні|nem|nu|ne)\b", re.IGNORECASE)
_MAX_NEGATED = 6  # words of such an answer
_OPTED_IN = re.compile(
    r"\W*(?:double |single |soft |confirmed )?opt(?:ed)?[ _-]?in\b"
    r"\W*(?:(?:on|at|since|am|le|el|il|em|op)\s+)?"
    r"(?:\d.*)?",
    re.IGNORECASE,
)
_MAX_DATED = 100  # characters; a longer value is a text
_DATED = re.compile(
    r"[\s:;,(–-]+(?:(?:on|at|since|am|seit|le|el|il|em|op|dnia)\s+)?\(?\d{1,4}[-/. ]\S.*\Z",
    re.IGNORECASE,
)
_REPLY = re.compile(r"\s*5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}\b")  # a server's, wherever it stands
_NO_SUCH_ADDRESS = re.compile(
    r"\s*(?:e-?mail |mail |the )?(?:address|mailbox|user|recipient|adresse|adres|direcci[oó]n"
    r"|buz[oó]n|indirizzo|casella|endereço|адрес|ящик|postfach) (?:does not exist|not found"
    r"|doesn['’]t exist|unknown|no longer exists|existiert nicht|unbekannt|n['’]existe pas"
    r"|inconnue|no existe|inexistente|inesistente|não existe|bestaat niet|onbekend"
    r"|nie istnieje|не существует|не найден)\b",
    re.IGNORECASE,
)
# “Unsubscribed list”, “Bounced contacts”: what the tag calls those who have it.
_OF_A_GROUP = re.compile(
    r"\b(?:list[ae]?s?|group|segment|contacts?|users?|people|customers?)\s*\Z", re.IGNORECASE
)
_TAG_BREAK = re.compile(r"[,;|\n/]|:::")
_ANSWERS = 3
_FEW = 6  # different values of a column that holds answers in words unknown
_WORDS_OF_AN_ANSWER = 4


def mentions_out(value: str) -> bool:
    """“Confirmed Opt-Out”: a word for it among a few, none of which takes it back."""
    if len(value.split()) > _WORDS_OF_AN_ANSWER or not _has_a_word_for_it(value):
        return False
    return _NEGATION.search(value) is None and "never" not in value.lower()


def _has_a_word_for_it(value: str) -> bool:
    around = grams(value, most=3)
    return bool(around & said.MENTIONED) or any(w.startswith(said.OUT_STEMS) for w in around)


def is_reason(value: str) -> bool:
    """Under a title for why somebody left: “No longer interested” is no no."""
    plain = value.strip()
    return not is_empty(plain) and comparable(plain) not in said.NO


def is_not_subscribed(value: str) -> bool:
    """Beside others who are subscribed: what does not say that somebody is."""
    return not is_empty(value.strip()) and not agrees(value)


def undated(value: str) -> str:
    """What is said before a date: “Opt-out: 2024-05-01”."""
    return _DATED.sub("", value) if len(value) <= _MAX_DATED else value


def says_out(value: str) -> bool:
    """“Bounced”, under a status."""
    known = comparable(undated(value)) in said.OUT or mentions_out(value)
    return known or says_so_in_a_sentence(value)


def says_out_or_pending(value: str) -> bool:
    """The same where the status speaks of mail, and so does “pending”."""
    return says_out(value) or comparable(value) in said.PENDING


def says_out_plainly(value: str) -> bool:
    """A value that says so whatever its column is about."""
    if comparable(undated(value)) in said.OUT_TAGS:
        return True
    return bool(_REPLY.match(value) or _NO_SUCH_ADDRESS.match(value))


def says_out_at_all(value: str) -> bool:
    """Plainly, or in a sentence."""
    return says_out_plainly(value) or says_so_in_a_sentence(value)


def has_tag(value: str) -> bool:
    """Whether one of several tags says so."""
    tags = _TAG_BREAK.split(value)
    bare = (_OF_A_GROUP.sub("", tag) for tag in tags)
    return any(comparable(tag) in said.OUT_TAGS for tag in (*tags, *bare))


def is_empty(value: str) -> bool:
    """Whether a cell says nothing."""
    return value in ("", "-", "--", "—") or value in NO_VALUE


def is_yes(value: str) -> bool:
    """A plain yes, or a tick."""
    return value in said.YES or comparable(value) in said.YES


def is_no(value: str) -> bool:
    """A plain no, whatever is said behind it."""
    plain = value.strip()
    if plain in said.NO or comparable(plain) in said.NO:
        return True
    return _opening(plain) in said.OPENING_NO


def is_moment(value: str) -> bool:
    """Whether a value is a date, or a date and a time; zeros are none."""
    return _MOMENT.fullmatch(value) is not None and not is_no_moment(value)


def is_no_moment(value: str) -> bool:
    """Whether a value is the date that databases write for none."""
    return _NO_MOMENT.fullmatch(value.strip()) is not None


def opted_out(value: str) -> bool:
    """Under a title that says no: whatever is not a no itself."""
    plain = value.strip()
    if is_empty(plain) or plain in ("[]", "{}") or is_no_moment(plain):
        return False
    key = comparable(plain)
    if is_no(plain) and key not in said.OUT:
        return False
    return key not in _STILL_IN


def refuses(value: str) -> bool:
    """Whether a value says no in some way."""
    plain = value.strip()
    if is_empty(plain):
        return False
    return (
        is_no(plain)
        or comparable(plain) in said.OUT
        or comparable(undated(plain)) in said.OUT
        or mentions_out(plain)
        or _opening(plain) in said.OPENING_NOT
        or says_so_in_a_sentence(plain)
    )


def agrees(value: str) -> bool:
    """Whether a value of a consent says yes: plainly, in a sentence, or by when it was given."""
    plain = value.strip()
    if is_empty(plain) or refuses_or_not_yet(plain):
        return False
    opening = re.split(r"[\s,.;:!(–-]", plain, maxsplit=1)[0]
    key = comparable(plain)
    return (
        any(is_yes(part) or comparable(part) in said.AGREED for part in (plain, opening))
        or is_moment(plain)
        or _OPTED_IN.fullmatch(plain) is not None
        or any(part in key for part in titled.OPT_IN_TITLES if len(part) >= 6 or not part.isascii())
    )


def not_agreed(value: str) -> bool:
    """What does not say yes, an empty cell among it."""
    return not agrees(value)


def _named_not_agreed(value: str) -> bool:
    return not is_empty(value.strip()) and not_agreed(value)


def refuses_or_not_yet(value: str) -> bool:
    """A no, or a consent that is pending, unknown or over."""
    return _refuses_plainly_or_not_yet(value) or _declines(value)


def opt_in_reading(values: Sequence[str], *, plainly: bool) -> Reads | None:
    """How a column is read whose title promises consent; None where it holds something else.

    `plainly`: the title speaks of consent itself, not only of a newsletter.
    """
    given = [value for value in values if not is_empty(value)]
    kinds = {comparable(value) or value for value in given}
    no_forms = [value for value in given if _declines(value) or is_no(value)]
    denied = {form for value in no_forms for form in _affirmed(value)} - {""}

    def says_yes(value: str) -> bool:
        return agrees(value) or (comparable(value) in denied and not refuses_or_not_yet(value))

    def says_no_yes(value: str) -> bool:
        return not says_yes(value)

    yes = sum(map(says_yes, given))
    no = sum(map(refuses_or_not_yet, given))
    if not given or _are_numbers(given) or 2 * (yes + no) < len(given):
        if plainly and 1 < len(kinds) <= _FEW and all(map(_is_short, given)):
            return says_no_yes
        # Topics may be many, and one of them “Not only wine”; answers are two or three.
        is_answer = len(kinds) <= _ANSWERS or kinds & denied
        reads = refuses_or_not_yet if is_answer else _refuses_plainly_or_not_yet
        return reads if any(map(reads, filter(_is_in_words, given))) else None
    if not yes or not (plainly or no or 2 * yes > len(given)):
        return refuses_or_not_yet
    if plainly or yes > 1 or no or len(kinds) == 1:
        return says_no_yes
    return _named_not_agreed


def _declines(value: str) -> bool:
    """“I would not”: a short answer with a word that turns it into a no."""
    if len(value.split()) > _MAX_NEGATED or _NEGATION.search(value) is None:
        return False
    return not is_yes(_opening(value))


def _affirmed(value: str) -> tuple[str, ...]:
    """The answers that a value denies: “I agree” of “I do not agree”, “I do” of “I do not”."""
    bare = _NEGATION_AHEAD.sub("", _NEGATION.sub("", value))
    return comparable(bare), comparable(_NOT.sub("", value))


def _are_numbers(given: Sequence[str]) -> bool:
    numbers = [v for v in given if _NUMBER.fullmatch(v) and v not in ("0", "1", "-1")]
    return any(not is_moment(number) for number in numbers)


def _refuses_plainly_or_not_yet(value: str) -> bool:
    return refuses(value) or _is_not_yet(value)


def _is_in_words(value: str) -> bool:
    return not value.strip().isdigit()


def _is_short(value: str) -> bool:
    return len(value) <= 40 and len(value.split()) <= _WORDS_OF_AN_ANSWER and value[0].isalpha()


def _is_not_yet(value: str) -> bool:
    plain = value.strip()
    if plain in said.NOT_YET or comparable(plain) in said.NOT_YET:
        return True
    opening = _opening(plain)
    return opening in said.NOT_YET and opening not in ("open", "na", "falta")


def _opening(value: str) -> str:
    matched = _OPENING.match(value)
    return comparable(matched[1]) if matched else ""
