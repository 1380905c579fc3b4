"""What an email says as one HTML document, for a sandboxed frame; and the ways to look at one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from html import escape

from paceline.domain.mime_reading import Mail, head_of, read_mail
from paceline.services.attachments import images_among
from paceline.services.kept_files import ShownImage
from paceline.web.wording import size

MAX_SHOWN_OCTETS = 1024 * 1024  # of a text, or of the source
MAX_TAGS = 20_000  # as HTML: ten times as many keep a browser at work for a quarter of a minute
MAX_INLINE_OCTETS = 2 * 1024 * 1024  # of images in all of their places, as they stand there

_TEXT_STYLE = (
    "font: 14px/1.6 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;"
    " padding: 12px 16px"
)
_HTML_STYLE = "font: 15px/1.6 Arial, sans-serif; padding: 8px 16px; color: #1d1d24"
_REMOTE_PICTURE = re.compile(  # the first characters of a tag will do: this is one line of help
    r"""<img\b[^>]{0,1000}?\ssrc\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE
)
# No policy of a frame holds back what only looks a server up or connects to it (`preconnect`), and
# an `iframe` may write such a link in characters of its own (`srcdoc`). Both become elements that
# are read like them, and do nothing.
_HINT = re.compile(r"(</?)(link|iframe)\b", re.IGNORECASE | re.ASCII)
_HARMLESS = {"link": "basefont", "iframe": "noframes"}
_NOT_LOADED = (
    "<p style='font: 12px/1.5 Arial, sans-serif; color: #6b6b76; margin: 0 0 12px'>"
    "Pictures from other servers are not loaded here. Your recipients see them.</p>"
)
_TOO_MANY_TAGS = (
    f"This HTML has more than {MAX_TAGS:,} tags, too many to show at ease. It is written like this:"
)


class View(StrEnum):
    """The ways to look at a message."""

    HTML = "html"
    TEXT = "text"
    HEADERS = "headers"
    SOURCE = "source"

    @classmethod
    def named(cls, text: str) -> View | None:
        """The one that an address names, if it does."""
        return cls(text) if text in set(cls) else None


def views_of(*, has_html: bool, has_text: bool) -> tuple[View, ...]:
    """Those that there are of a message, the first one to begin with."""
    bodies = [view for view, there in ((View.HTML, has_html), (View.TEXT, has_text)) if there]
    return (*(bodies or [View.TEXT]), View.HEADERS, View.SOURCE)


def document_of(*, html: str | None, text: str | None) -> str:
    """The HTML part, or else the text with its lines kept. Links open in tabs of their own.

    The frame loads nothing from anywhere; that pictures are missing for it is said above them. HTML
    with more than `MAX_TAGS` is shown as it was written.
    """
    if html is not None and html.count("<") > MAX_TAGS:
        return text_document(f"{_TOO_MANY_TAGS}\n\n{html[:MAX_SHOWN_OCTETS]}")
    if html is not None:
        said = _NOT_LOADED if _REMOTE_PICTURE.search(html) else ""
        return f"{_HEAD}<body style='{_HTML_STYLE}'>{said}{_without_hints(html)}</body>"
    return text_document(text or "")


def _without_hints(html: str) -> str:
    return _HINT.sub(lambda tag: tag[1] + _HARMLESS[tag[2].lower()], html)


def text_document(text: str) -> str:
    """Plain text as a document."""
    return f"{_HEAD}<body style='{_TEXT_STYLE}'>{escape(text)}</body>"


def document_of_message(raw: bytes, view: View | None, images: Sequence[ShownImage] = ()) -> str:
    """One view of a message as it is on the wire; None: the one to begin with.

    `images` are those that its HTML shows and that are kept beside it.
    """
    if view is View.SOURCE:
        return text_document(_bounded(raw).decode("utf-8", "replace"))
    if view is View.HEADERS:
        return text_document(head_of(raw))
    mail = read_mail(raw)
    html, text = mail.body("text/html"), mail.body("text/plain")
    if html is not None and (view is View.HTML or view is None):
        shown = _with_images(html.text[:MAX_SHOWN_OCTETS], mail)
        return document_of(html=with_images(shown, images), text=None)
    if text is None:
        return text_document("This message has no text.")
    return document_of(html=None, text=text.text[:MAX_SHOWN_OCTETS])


def _bounded(raw: bytes) -> bytes:
    if len(raw) <= MAX_SHOWN_OCTETS:
        return raw
    left = len(raw) - MAX_SHOWN_OCTETS
    return raw[:MAX_SHOWN_OCTETS] + f"\n\n[{left:,} more octets]".encode()


def _with_images(html: str, mail: Mail) -> str:
    """Images that go along, in their places: the frame loads nothing from anywhere."""
    room = MAX_INLINE_OCTETS
    for part in mail.parts:
        link = f"cid:{part.content_id}"
        if not part.content_id or not part.media_type.startswith("image/") or link not in html:
            continue
        address = _data_address(part.media_type, part.content)
        room -= len(address) * html.count(link)
        if room < 0:
            break
        html = html.replace(link, address)
    return html


def with_images(html: str, images: Sequence[ShownImage]) -> str:
    """HTML with these images in their places; what is too large for that is named there.

    One that is shown in ten places is written ten times, and counts as often. Where not even names
    have room, nothing is shown: links can be as many as a text has characters for.
    """
    among = images_among([image.file for image in images])
    places, room = among.places_in(html), MAX_INLINE_OCTETS
    addresses = {}
    for image in images:
        name = str(image.file.content_id)
        fitting = (one for one in _addresses(image) if len(one) * places[name] <= room)
        addresses[name] = next(fitting, _NOTHING)
        room -= len(addresses[name]) * places[name]
    return among.led_to(html, addresses.__getitem__)


def _addresses(image: ShownImage) -> Iterator[str]:
    """What can stand in an image's places, the best first."""
    if image.content is not None:
        yield _data_address(image.file.content_type, image.content)
    told = escape(f"{image.file.file_name}, {size(image.file.octets)}: not in this preview")
    yield _data_address("image/svg+xml", _PLACEHOLDER.format(told).encode())


def _data_address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


_NOTHING = "data:,"
_PLACEHOLDER = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='480' height='48'>"
    "<rect width='100%' height='100%' fill='#ececf1'/>"
    "<text x='12' y='29' font-family='Arial, sans-serif' font-size='13' fill='#55555f'>{}</text>"
    "</svg>"
)
_HEAD = '<!doctype html><meta charset="utf-8"><base target="_blank">'
