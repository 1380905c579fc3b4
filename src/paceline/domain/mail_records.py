"""SPF, DKIM and DMARC of a domain, judged in plain words. Pure: handed what DNS says.

Sources: RFC 7208 (SPF), RFC 6376 §3.6.1 (DKIM), RFC 7489 §6.3 (DMARC).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from paceline.domain.presets import Preset

MAX_LOOK_UPS = 10  # RFC 7208 §4.6.4
_ONLY_THERE = "There is one. Whether it names your server, your provider can say."
_LOOKS_UP = frozenset({"include", "a", "mx", "ptr", "exists"})
_TAG = re.compile(r"\s*([A-Za-z]+)\s*=\s*([^;]*)")


class Grade(StrEnum):
    """How good a record is for what is sent."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"  # DNS did not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One record. `name` is where it stands, `found` what stands there, `publish` what should."""

    kind: str
    grade: Grade
    name: str
    words: str
    found: tuple[str, ...] = ()
    publish: str | None = None


@dataclass(slots=True, kw_only=True)
class Walked:
    """A domain's SPF with all that it includes, as far as that was followed."""

    records: tuple[str, ...] = ()  # of the domain itself
    names: set[str] = field(default_factory=set)  # included or redirected to
    look_ups: int = 0


def unanswered(kind: str, name: str) -> Verdict:
    """DNS could not be asked."""
    words = "DNS did not answer in time. Try again in a minute."
    return Verdict(kind=kind, grade=Grade.UNKNOWN, name=name, words=words)


def spf_records(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of a name's texts that are SPF (RFC 7208 §4.5)."""
    return tuple(text for text in texts if text.lower().split(" ")[0] == "v=spf1")


def spf_terms(record: str) -> Iterator[tuple[str, str]]:
    """Mechanisms and modifiers: name and value, without qualifiers."""
    for term in record.split()[1:]:
        name, _, value = re.sub(r"^[+\-~?]", "", term.lower()).replace("=", ":", 1).partition(":")
        yield name.partition("/")[0], value.rstrip(".")


def look_ups_of(record: str) -> int:
    """How many of its terms make a receiver ask DNS."""
    return sum(name in _LOOKS_UP or name == "redirect" for name, _ in spf_terms(record))


def followed_from(record: str) -> list[str]:
    """The domains that it includes or redirects to."""
    return [value for name, value in spf_terms(record) if name in {"include", "redirect"} and value]


def spf(domain: str, walked: Walked, preset: Preset | None) -> Verdict:
    """Whether receivers let the sender's server send for the domain."""

    def verdict(grade: Grade, words: str, publish: str | None = None) -> Verdict:
        found = walked.records
        return Verdict(
            kind="spf", grade=grade, name=domain, words=words, found=found, publish=publish
        )

    provider = preset.name if preset is not None else "your server"
    include = preset.spf_include if preset is not None else None
    if broken := _why_spf_is_void(walked):
        return verdict(Grade.BAD, broken)
    if preset is not None and preset.own_return_path:
        words = f"{provider} sends under a return path of its own, so that DKIM is what counts."
        return verdict(Grade.GOOD, words)
    if not walked.records:
        publish = f"v=spf1 include:{include} ~all" if include else "v=spf1 a mx ~all"
        return verdict(
            Grade.BAD, f"There is none: receivers cannot tell {provider} is yours.", publish
        )
    if include is None or include in walked.names:
        words = f"It names {provider}." if include else _ONLY_THERE
        return verdict(Grade.GOOD, words)
    publish = walked.records[0].replace("v=spf1", f"v=spf1 include:{include}", 1)
    return verdict(Grade.BAD, f"It does not name {provider}: add include:{include}.", publish)


def _why_spf_is_void(walked: Walked) -> str | None:
    """Whatever it names."""
    if len(walked.records) > 1:
        return "There are several SPF records: receivers then use none."
    if walked.look_ups > MAX_LOOK_UPS:
        return f"It makes receivers ask DNS more than {MAX_LOOK_UPS} times: they then give up."
    if any("+all" in record.lower().split() for record in walked.records):
        return "It ends in +all: anybody may send as this domain."
    return None


def dkim(name: str, texts: Sequence[str], expected: str) -> Verdict:
    """Whether the sender's own key is published."""

    def verdict(grade: Grade, words: str) -> Verdict:
        found = tuple(texts)
        return Verdict(
            kind="dkim", grade=grade, name=name, words=words, found=found, publish=expected
        )

    if not texts:
        words = "The record is not there yet: publish it. New ones may take an hour to be seen."
        return verdict(Grade.BAD, words)
    if any(_key_of(text) == _key_of(expected) for text in texts) and len(texts) == 1:
        return verdict(Grade.GOOD, "The record is there, and fits the key.")
    if len(texts) > 1:
        return verdict(Grade.BAD, "There are several records under this name: keep one.")
    return verdict(Grade.BAD, "Another record is there: signatures do not fit it. Replace it.")


def dkim_of_provider(domain: str, preset: Preset | None) -> Verdict:
    """The sender has no key of its own here."""
    words = "Emails are not signed by Paceline. "
    if preset is not None:
        words += f"{preset.name} signs them, once your domain is set up there."
    else:
        words += "If your server does not sign them either, make a key."
    grade = Grade.GOOD if preset is not None else Grade.WARN
    return Verdict(kind="dkim", grade=grade, name=domain, words=words)


def dmarc(name: str, texts: Sequence[str]) -> Verdict:
    """What receivers are asked to do with mail that fails both."""

    def verdict(grade: Grade, words: str, publish: str | None = None) -> Verdict:
        found = tuple(records)
        return Verdict(
            kind="dmarc", grade=grade, name=name, words=words, found=found, publish=publish
        )

    records = [text for text in texts if text.replace(" ", "").lower().startswith("v=dmarc1")]
    if not records:
        words = "There is none. Gmail, Yahoo and Microsoft ask for one from bulk senders."
        return verdict(Grade.WARN, words, "v=DMARC1; p=none")
    if len(records) > 1:
        return verdict(Grade.BAD, "There are several: receivers then use none.")
    policy = dict(_tags(records[0])).get("p", "").lower()
    match policy:
        case "none":
            return verdict(Grade.GOOD, "There is one, and it asks receivers only to report.")
        case "quarantine" | "reject":
            what = "put into spam" if policy == "quarantine" else "refused"
            words = f"Mail that passes neither SPF nor DKIM for this domain is {what}."
            return verdict(Grade.GOOD, words)
        case _:
            return verdict(Grade.BAD, "It names no policy (p=): receivers ignore it.")


def dmarc_names(domain: str) -> list[str]:
    """Where the record may stand, the nearest first: the domain, and those above it."""
    labels = domain.split(".")
    return [f"_dmarc.{'.'.join(labels[i:])}" for i in range(max(len(labels) - 1, 1))][:5]


def _tags(record: str) -> list[tuple[str, str]]:
    return [(found[1].lower(), found[2].strip()) for found in _TAG.finditer(record)]


def _key_of(record: str) -> str:
    return re.sub(r"\s", "", dict(_tags(record)).get("p", ""))
