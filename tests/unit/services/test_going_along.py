"""Which files a message takes along."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from paceline.services.attachments import AttachmentView, going_along
from tests.bounded_work import bounded_work


def file(content_id: str | None) -> AttachmentView:
    return AttachmentView(
        id=uuid.uuid4(),
        file_name="one.png",
        content_type="image/png",
        octets=1,
        inline=content_id is not None,
        content_id=content_id,
        created_at=datetime.now(UTC),
    )


@pytest.mark.parametrize("html", ["<img src='cid:{{ which }}'>", '<img src="CID:a{% if b %}">'])
def test_a_name_that_is_filled_in_may_be_any_image(html: str) -> None:
    files = [file("one"), file(None)]
    assert going_along(files, html) == files


@pytest.mark.parametrize("html", ["<img src='cid:two'> {{ name }}", "cid: {{ name }}", None])
def test_an_image_that_is_not_shown_stays_behind(html: str | None) -> None:
    image, attached = file("one"), file(None)
    assert going_along([image, attached], html) == [attached]


@pytest.mark.parametrize("words", ["cid:", "cid:{", 'src="cid:', "<img src=cid:"])
def test_a_mebibyte_of_names_is_looked_through_in_a_moment(words: str) -> None:
    html = words * ((1 << 20) // len(words))
    with bounded_work(cpu_seconds=5):
        going_along([file("one")], html)
