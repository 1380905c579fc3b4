"""The preview always has something to say."""

from __future__ import annotations

import json

import pytest

from paceline.delivery import looks_like_html
from paceline.domain.recipients import Recipient
from paceline.web.preview import EXAMPLE, preview_document, read_sample, sample_of


@pytest.mark.parametrize(
    ("subject", "body", "shown"),
    [
        ("", "", "appears here"),
        ("Hi {{ city }}", "x", "<b>Hi [city]</b>"),
        ("Hi {{ name }}", "x", "<b>Hi Ada Lovelace</b>"),
        ("Hi {{ name", "x", "line 1"),
        ("Hi", "{{ 10 ** 9 }}", "not available"),
        ("Hi", "plain\ntext", "plain\ntext"),
        ("Hi", "a < b", "a &lt; b"),
        ("", "<p>{{ name }}</p>", "<p>Ada Lovelace</p>"),
    ],
)
def test_a_draft_is_shown_as_its_recipient_reads_it_or_the_reason_why_not(
    subject: str, body: str, shown: str
) -> None:
    assert shown in preview_document(
        subject=subject, body=body, is_html=looks_like_html(body), sample=EXAMPLE
    )


@pytest.mark.parametrize("text", ["", "not json", "[" * 5000, '["a"]', "1", "x" * 50_000])
def test_whatever_is_no_sample_is_read_as_the_example(text: str) -> None:
    assert read_sample(text) == EXAMPLE


def test_a_recipient_travels_as_the_sample() -> None:
    first = Recipient(2, "ada@example.org", "ada@example.org", "Ada", {"company": "Engines"})
    assert read_sample(sample_of(first)) == {
        "email": "ada@example.org",
        "name": "Ada",
        "company": "Engines",
    }


def test_a_recipient_with_very_long_fields_is_not_carried_around() -> None:
    first = Recipient(2, "ada@example.org", "ada@example.org", None, {"story": "x" * 30_000})
    assert sample_of(first) == ""
    assert json.dumps(read_sample(sample_of(first))) == json.dumps(EXAMPLE)
