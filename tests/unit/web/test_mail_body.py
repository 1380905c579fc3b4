"""Whatever a message holds, and however often it shows its images, its document stays small."""

from __future__ import annotations

import base64

import pytest

from paceline import clock
from paceline.domain.identifiers import new_id
from paceline.services.attachments import AttachmentView
from paceline.services.kept_files import ShownImage
from paceline.web.mail_body import (
    MAX_INLINE_OCTETS,
    MAX_TAGS,
    View,
    document_of,
    document_of_message,
    with_images,
)

SMALL, LARGE = b"\x89PNG", b"\x89PNG" + bytes(MAX_INLINE_OCTETS // 2)
HEADROOM = 1024  # the document around it


def image(content: bytes, content_id: str = "a") -> ShownImage:
    file = AttachmentView(
        id=new_id(),
        file_name=f"{content_id}.png",
        content_type="image/png",
        octets=len(content),
        inline=True,
        content_id=content_id,
        created_at=clock.now(),
    )
    return ShownImage(file=file, content=content)


def data(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def test_an_image_in_many_places_counts_in_each_and_is_named_there_instead() -> None:
    html = '<img src="cid:a">' * 1_000
    shown = with_images(html, [image(LARGE)])
    assert len(shown) <= len(html) + MAX_INLINE_OCTETS
    assert shown.count("data:image/svg+xml;base64,") == 1_000
    assert data(LARGE) in with_images('<img src="cid:a">', [image(LARGE)])


def test_an_image_leaves_to_the_next_one_what_its_places_do_not_take() -> None:
    html = '<img src="cid:a"><img src="cid:a"><img src="cid:b">'
    shown = with_images(html, [image(LARGE, "a"), image(SMALL, "b")])
    assert data(LARGE) not in shown
    assert data(SMALL) in shown
    shown = with_images('<img src="cid:a"><img src="cid:b">', [image(LARGE), image(LARGE, "b")])
    assert shown.count(data(LARGE)) == 1
    assert "data:image/svg+xml" in shown


def test_links_that_are_too_many_even_for_a_name_show_nothing() -> None:
    html = "<style>" + "cid:a " * 300_000
    shown = with_images(html, [image(SMALL)])
    assert len(shown) <= len(html) + MAX_INLINE_OCTETS
    assert "cid:" not in shown


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_an_image_of_a_message_counts_as_it_is_written_in_each_of_its_places(encoding: str) -> None:
    content = b"" if encoding == "8bit" else base64.b64encode(bytes(3_000))
    html = b"cid:a " * 150_000
    raw = b"\r\n".join(
        [
            b"Content-Type: multipart/related; boundary=b",
            b"",
            b"--b",
            b"Content-Type: text/html",
            b"",
            html,
            b"--b",
            b"Content-Type: image/" + b"x" * 100,
            b"Content-ID: <a>",
            b"Content-Transfer-Encoding: " + encoding.encode(),
            b"",
            content,
            b"--b--",
        ]
    )
    shown = document_of_message(raw, View.HTML)
    assert len(shown) <= len(html) + MAX_INLINE_OCTETS + HEADROOM


NOT_LOADED = "Pictures from other servers are not loaded here. Your recipients see them."


@pytest.mark.parametrize(
    "picture",
    [
        '<img src="https://example.com/a.png">',
        "<IMG alt=x\nSRC = 'http://example.com/a.png'/>",
        "<img src=//example.com/a.png>",
    ],
)
def test_a_picture_that_is_not_loaded_is_explained(picture: str) -> None:
    assert document_of(html=picture * 2, text=None).count(NOT_LOADED) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<img src="cid:a"><a href="https://example.com">there</a>',
        '<img alt="an image of https://example.com" src="data:,">',
        "<img " * 100_000,
    ],
)
def test_nothing_is_said_of_pictures_where_all_are_shown(html: str) -> None:
    assert NOT_LOADED not in document_of(html=html, text=None)


def test_html_with_more_tags_than_a_browser_shows_at_ease_is_shown_as_it_was_written() -> None:
    fine = document_of(html="<div>" * MAX_TAGS, text=None)
    too_many = document_of(html="<div>" * (MAX_TAGS + 1), text="plain")
    assert fine.count("<div>") == MAX_TAGS
    assert "<div>" not in too_many
    assert "more than 20,000 tags" in too_many
    assert "&lt;div&gt;" in too_many


@pytest.mark.parametrize(
    "hint",
    [
        '<link rel=preconnect href="https://tracker.example">',
        '<LINK/rel="dns-prefetch"\nhref="//tracker.example">',
        "<iframe srcdoc=\"&lt;link rel=preconnect href='//tracker.example'&gt;\"></iframe>",
        "<svg><link\trel=preconnect href='//tracker.example'/></svg>",
    ],
)
def test_no_server_is_looked_up_or_connected_to_for_a_mail_that_is_shown(hint: str) -> None:
    raw = f"Content-Type: text/html\r\n\r\n{hint}<p>Dear reader</p>".encode()
    shown = (document_of(html=hint, text=None), document_of_message(raw, View.HTML))
    for document in map(str.lower, shown):
        assert "<link" not in document
        assert "iframe" not in document
    assert "<p>Dear reader</p>" in shown[1]
    assert "tracker.example" in document_of_message(raw, View.SOURCE)


def test_a_mail_keeps_the_tags_that_only_begin_like_those_that_reach_out() -> None:
    assert "<linkage>a link in words" in document_of(html="<linkage>a link in words", text=None)
