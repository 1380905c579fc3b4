"""Bodies as editors and other programs make them, each with what is right for it.

`bodies/NAME.html` is what was pasted, `bodies/NAME.json` the recipient and what must come of it:
`refused` and `told` name what is said before the launch ([]: nothing), the others what is sent.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from paceline.delivery import Headers, MessageTemplate, remarks
from paceline.errors import InvalidInput
from paceline.services.validation import Problems

BODIES = sorted((Path(__file__).parent / "bodies").glob("*.html"))
HEADERS = Headers(
    from_address="ann@example.test",
    to_address="zoe@example.com",
    message_id="<1@example.test>",
    date=datetime(2027, 3, 14, tzinfo=UTC),
    boundary_seed="job 1",
)


def expected(body: Path) -> dict[str, Any]:
    found = json.loads(body.with_suffix(".json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def made(html: str, row: dict[str, object]) -> tuple[bytes, dict[str, str]]:
    template = MessageTemplate.compile(subject="Hello", text=None, html=html)
    raw = template.render({"name": row.get("first_name"), **row}, headers=HEADERS)
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    texts = {p.get_content_subtype(): p.get_content().replace("\r\n", "\n") for p in leaves}
    return raw, texts


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.stem)
def test_what_is_said_before_the_launch(body: Path) -> None:
    wanted = expected(body)
    html = body.read_text("utf-8")
    problems = Problems()
    template = problems.template("Hello", None, html)
    if "refused" in wanted:
        said = "\n".join(problem.message for problem in problems.found)
        assert template is None
        assert [text for text in wanted["refused"] if text not in said] == []
        return
    assert template is not None, problems.found
    said = "\n".join(remarks(subject="Hello", text=None, html=html))
    if "told" in wanted:
        assert [text for text in wanted["told"] if text not in said] == []
        assert len(said.splitlines()) == len(wanted["told"])


@pytest.mark.parametrize(
    "body", [b for b in BODIES if "refused" not in expected(b)], ids=lambda body: body.stem
)
def test_what_is_sent(body: Path) -> None:
    wanted = expected(body)
    raw, texts = made(body.read_text("utf-8"), wanted["row"])
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    for part, key in (("html", "html"), ("plain", "text")):
        said = texts.get(part, "")
        assert [text for text in wanted.get(f"{key}_has", ()) if text not in said] == []
        assert [text for text in wanted.get(f"{key}_has_not", ()) if text in said] == []


@pytest.mark.parametrize(
    "name", ["word-filtered-no-split", "mjml-minified", "unlayer-export", "inline-base64-image"]
)
def test_nothing_but_fields_is_changed(name: str) -> None:
    body = next(body for body in BODIES if body.stem == name)
    html = body.read_text("utf-8").removesuffix("\n")
    row = expected(body)["row"]
    for written in ("{{ first_name }}", "{{first_name}}"):
        html_filled = html.replace(written, "Zoë")
        html = html_filled
    html = html.replace("{{company}}", "Fennel &amp; Rye").replace(
        "{{ width | default(600) }}", "600"
    )
    _, texts = made(body.read_text("utf-8"), row)
    assert texts["html"].removesuffix("\n") == html


def test_every_body_says_why_it_is_here() -> None:
    assert len(BODIES) >= 36
    assert all(expected(body)["why"] for body in BODIES)
    with pytest.raises(InvalidInput):
        MessageTemplate.compile(subject="Hello", text=None, html="{{#if a}}")
