"""Elements of HTML that do not arrive as they are written: mail programs take them out, or most do.

After caniemail.com and the providers' own pages (Gmail: developers.google.com/gmail/design/css).
Comments are passed over: what stands in them is for Outlook, which knows what to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NOWHERE = "is taken out by every mail program"
_NOT_SHOWN = f"{_NOWHERE}, and nothing is shown in its place: link to the page instead"
_FORM = "does not work in most mail programs, which take it out: link to a page with the form"
_PLAYED = "is played by few mail programs: show a picture that links to it"
_WHY = {
    "script": f"{_NOWHERE}, with all that it does",
    "iframe": _NOT_SHOWN,
    "frameset": _NOT_SHOWN,
    "object": _NOT_SHOWN,
    "embed": _NOT_SHOWN,
    "applet": _NOT_SHOWN,
    "form": _FORM,
    "video": _PLAYED,
    "audio": _PLAYED,
}
_SHEET = "is a style sheet that no mail program loads: write the style into each tag"
_STYLE_IN_BODY = (
    "is taken out by Gmail and others, which read style sheets in <head> alone: write the style "
    "into each tag"
)
_HANDLER = f"is script, which {_NOWHERE.removeprefix('is ')}"

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(rf"<({'|'.join(_WHY)})(?=[\s/>])[^<>]{{0,300}}>?", re.IGNORECASE)
_DATA = re.compile(r"\stype\s{0,9}=\s{0,9}[\"']?application/ld\+json\b", re.IGNORECASE)  # Gmail's
_LINK = re.compile(
    r"<link\s[^<>]{0,300}?rel\s{0,9}=\s{0,9}[\"']?stylesheet\b[^<>]{0,300}>?", re.IGNORECASE
)
_STYLE = re.compile(r"<style(?=[\s/>])[^<>]{0,300}>?", re.IGNORECASE)
_ON = re.compile(
    r"<[a-z][^<>]{0,2000}?\s(on[a-z]{4,20}\s{0,9}=\s{0,9}[\"'][^\"'<>]{0,60})", re.IGNORECASE
)
_HEAD_ENDS = re.compile(r"</head\s{0,9}>|<body(?=[\s>])", re.IGNORECASE)
_HEAD = re.compile(r"<head(?=[\s>])", re.IGNORECASE)


def dropped_parts(source: str) -> Iterator[tuple[int, str, str]]:
    """Each kind once: where it first stands, what stands there, and what becomes of it."""
    seen = _COMMENT.sub(lambda found: " " * len(found[0]), source)
    told: set[str] = set()
    for found in _TAG.finditer(seen):
        why = _WHY[found[1].lower()]
        if why not in told and not _DATA.search(found[0]):
            told.add(why)
            yield found.start(), found[0], why
    for pattern, why in ((_LINK, _SHEET), (_ON, _HANDLER)):
        if first := pattern.search(seen):
            group = first.lastindex or 0
            yield first.start(group), first[group], why
    head, ends = _HEAD.search(seen), _HEAD_ENDS.search(seen)
    for found in _STYLE.finditer(seen):
        if not head or found.start() < head.start() or (ends and found.start() > ends.start()):
            yield found.start(), found[0], _STYLE_IN_BODY
            return
