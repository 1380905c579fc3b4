"""Messages with files, read back by the stdlib's parser."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.delivery import (
    Attached,
    Attachment,
    DkimAlgorithm,
    DkimKey,
    DkimSigner,
    Headers,
    MessageTemplate,
    RenderError,
    encoded_octets,
    media_type,
    media_type_of,
)
from paceline.delivery.mime import message
from paceline.errors import InvalidInput

DATE = datetime(2026, 11, 25, 9, 26, 53, tzinfo=UTC)
HEADERS = Headers(
    from_address="ann@example.test",
    to_address="ben@example.test",
    message_id="<1@example.test>",
    date=DATE,
    boundary_seed="job 1",
)
LOGO = Attachment(
    file_name="logo.png", content_type="image/png", content=b"\x89PNG", content_id="a"
)
PLAN = Attachment(file_name="plan.pdf", content_type="application/pdf", content=b"%PDF-1.7")
LETTERS = st.characters(categories=("L", "M", "N", "P", "S", "Zs"), exclude_characters="/\\")
NAMES = st.text(LETTERS, min_size=1, max_size=200).filter(
    lambda name: name == name.strip() and bool(name.strip("."))
)
FILES = st.builds(
    Attachment,
    file_name=NAMES,
    content_type=st.sampled_from(["application/pdf", "text/csv; charset=utf-8", "image/gif"]),
    content=st.binary(max_size=300),
)
BODY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=200)


def read(data: bytes) -> EmailMessage:
    parsed = BytesParser(policy=policy.default).parsebytes(data)
    for part in parsed.walk():
        assert part.defects == []
    return parsed


def made(*files: Attachment, text: str | None = "Hi", html: str | None = "<p>Hi</p>") -> bytes:
    attached = Attached.compile(files)
    data = message(HEADERS, subject="Hello", text=text, html=html, attached=attached)
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", data)
    assert max(map(len, data.split(b"\r\n"))) <= 78
    return data


def parts(entity: EmailMessage, kind: str) -> list[EmailMessage]:
    assert entity.get_content_type() == kind
    return [cast(EmailMessage, part) for part in entity.iter_parts()]


def octets(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def test_inline_images_belong_to_the_text_and_attachments_follow_both() -> None:
    body, plan = parts(read(made(LOGO, PLAN)), "multipart/mixed")
    both, logo = parts(body, "multipart/related")
    plain, rich = parts(both, "multipart/alternative")
    assert body.get_param("type") == "multipart/alternative"
    assert [plain.get_content_type(), rich.get_content_type()] == ["text/plain", "text/html"]
    assert (logo.get_content_disposition(), logo.get_filename()) == ("inline", "logo.png")
    assert (plan.get_content_disposition(), plan.get_filename()) == ("attachment", "plan.pdf")
    assert (octets(logo), octets(plan)) == (LOGO.content, PLAN.content)
    assert plan["Content-ID"] is None


@pytest.mark.parametrize(
    ("files", "text", "html", "kinds"),
    [
        ([PLAN], "Hi", None, ["multipart/mixed", "text/plain"]),
        ([LOGO], "Hi", None, ["multipart/mixed", "text/plain"]),
        ([LOGO], None, "<p>", ["multipart/related", "text/html"]),
        ([PLAN], None, "<p>", ["multipart/mixed", "text/html"]),
        ([], "Hi", None, ["text/plain"]),
    ],
)
def test_no_level_is_made_that_is_not_needed(
    files: list[Attachment], text: str | None, html: str | None, kinds: list[str]
) -> None:
    found = [part.get_content_type() for part in read(made(*files, text=text, html=html)).walk()]
    assert found == [*kinds, *(file.content_type for file in files)]


@given(st.lists(FILES, max_size=3), BODY, BODY)
def test_files_and_texts_are_read_back_exactly_as_they_went_in(
    files: list[Attachment], text: str, html: str
) -> None:
    parsed = read(made(LOGO, *files, text=text, html=html))
    leaves = [p for p in parsed.walk() if not p.is_multipart()]
    ended = [body if body.endswith("\n") else body + "\n" for body in (text, html)]
    wanted = [body.replace("\n", "\r\n").encode() for body in ended]
    wanted += [file.content for file in (LOGO, *files)]
    assert [octets(cast(EmailMessage, leaf)) for leaf in leaves] == wanted
    assert [leaf.get_filename() for leaf in leaves[3:]] == [file.file_name for file in files]


@given(NAMES)
def test_any_name_is_read_back_and_stays_within_its_header(name: str) -> None:
    parsed = read(made(replace(PLAN, file_name=name), html=None))
    (part,) = parsed.iter_attachments()
    assert part.get_filename() == name
    assert part.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]


@pytest.mark.parametrize(
    "name",
    ['say "hi".txt', "100%.txt", "a;b=c.txt", "it's*.txt", "=?utf-8?q?a?=", "日本語" * 50, "a  b"],
)
def test_names_that_would_confuse_a_reader_are_encoded_whole(name: str) -> None:
    data = made(replace(PLAN, file_name=name), html=None)
    (part,) = read(data).iter_attachments()
    assert part.get_filename() == name
    assert b"filename=" not in data


@pytest.mark.parametrize(
    "name",
    ["\u0646\u0627\u0645\u0647\u200c\u06cc \u0645\u0646.pdf", "\U0001f468\u200d\U0001f467.jpg"],
)
def test_a_name_may_join_and_part_its_letters(name: str) -> None:
    data = made(replace(PLAN, file_name=name), html=None)
    (part,) = read(data).iter_attachments()
    assert part.get_filename() == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            ".",
            "..",
            " a",
            "a/b",
            "..\\b",
            "x" * 201,
            "a\r\nBcc: v@x.org",
            "a\0b",
            "a\x85b",
        ),
        *("\ud800", "gpj.\u202eexe", "a\u200bb", "=?utf-8?q?a=0D=0ABcc:_v@x.org?="),
    ],
)
def test_a_name_that_is_no_files_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(PLAN, file_name=name)
    assert [p.field for p in refused.value.problems] == ["file_name"]


@pytest.mark.parametrize("content_id", ["", "a b", "a..b", ".a", "<a>", "a\r\n", "ä", "x" * 65])
def test_an_id_that_is_none_is_refused(content_id: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(LOGO, content_id=content_id)
    assert [p.field for p in refused.value.problems] == ["content_id"]


def test_only_images_can_be_shown_inline() -> None:
    with pytest.raises(InvalidInput, match="only images"):
        replace(PLAN, content_id="plan")


@pytest.mark.parametrize(
    ("declared", "taken"),
    [
        ("image/PNG", "image/png"),
        ("text/plain ; charset=UTF-8", 'text/plain; charset="utf-8"'),
        ('text/csv; header=present; charset="utf-8"', 'text/csv; charset="utf-8"'),
        ("text/plain; charset=a\r\nBcc: x", "text/plain"),
        ("application/pdf; name=x", "application/pdf"),
        ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
        *(
            (bad, "application/octet-stream")
            for bad in ("", "pdf", "a/b/c", "a b/c", "a/b\r\nX: y")
        ),
        *((bad, "application/octet-stream") for bad in ("ä/b", "*/*", f"a/{'b' * 127}")),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
        ("message/rfc822", "application/octet-stream"),
        ("application/x-www-form-urlencoded", "application/octet-stream"),
    ],
)
def test_a_type_that_is_not_certainly_one_becomes_octets(declared: str, taken: str) -> None:
    assert media_type(declared) == taken
    assert media_type(taken) == taken


@given(st.text(max_size=60))
def test_no_declared_type_starts_a_second_header(declared: str) -> None:
    (part,) = read(made(replace(PLAN, content_type=declared), html=None)).iter_attachments()
    assert part.keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]


CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:request\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
REQUEST = 'text/calendar; charset="utf-8"; method=REQUEST; component=VEVENT'
INVITE = Attachment(file_name="invite.ics", content_type=REQUEST, content=CALENDAR)


@pytest.mark.parametrize(
    ("declared", "name", "content", "taken"),
    [
        ("text/calendar; method=REQUEST; charset=utf-8", "invite.ics", CALENDAR, REQUEST),
        ('TEXT/Calendar; METHOD="request"', "a.ics", CALENDAR, REQUEST),
        ("text/calendar", "a", CALENDAR, REQUEST),
        ("application/octet-stream", "Invite.ICS", CALENDAR, REQUEST),
        ("application/ics", "a.ics", CALENDAR, REQUEST),
        ("text/calendar; method=CANCEL", "a.ics", CALENDAR, REQUEST),
        ("text/calendar; method=CANCEL", "a.ics", b"?", "text/calendar; method=CANCEL"),
        ("application/octet-stream", "a.bin", CALENDAR, "application/octet-stream"),
        ("application/octet-stream", "a.ics", b"METHOD:X", "application/octet-stream"),
        ("text/csv", "a.csv", "ä".encode(), 'text/csv; charset="utf-8"'),
        ("text/csv", "a.csv", b"\xe4", "text/csv"),
        ("text/csv; charset=latin1", "a.csv", "ä".encode(), 'text/csv; charset="latin1"'),
        ("text/plain; format=flowed", "a.txt", b"a", "text/plain; format=flowed"),
        ("text/calendar; method=a\r\nBcc: x", "a.ics", b"?", "text/calendar"),
    ],
)
def test_what_a_file_itself_tells_belongs_to_its_type(
    declared: str, name: str, content: bytes, taken: str
) -> None:
    assert media_type_of(declared, name, content) == taken
    assert media_type(taken) == taken


@pytest.mark.parametrize("html", [None, "<p>Hi</p>"])
@pytest.mark.parametrize("text", ["Hi", None])
@pytest.mark.parametrize("others", [[], [PLAN], [LOGO, PLAN]])
def test_an_invitation_is_an_alternative_and_a_file(
    others: list[Attachment], text: str | None, html: str | None
) -> None:
    if text is None and html is None:
        return
    parsed = read(made(*others, INVITE, text=text, html=html))
    first = parsed
    while first.get_content_type() in ("multipart/mixed", "multipart/related"):
        first = cast(EmailMessage, next(first.iter_parts()))
    *_, last = parts(first, "multipart/alternative")
    (attached,) = [p for p in parsed.iter_attachments() if p.get_filename() == "invite.ics"]
    for part in (last, attached):
        assert part.get_content_type() == "text/calendar"
        assert part.get_param("method") == "REQUEST"
        assert part.get_param("component") == "VEVENT"
        assert part.get_content_charset() == "utf-8"
        assert octets(part) == CALENDAR
    assert last.get_content_disposition() is None


@pytest.mark.parametrize(
    "files",
    [
        [INVITE, replace(INVITE, file_name="second.ics")],
        [replace(INVITE, content_type="text/calendar; method=PUBLISH")],
        [replace(INVITE, content_type="text/calendar")],
    ],
)
def test_what_is_not_one_invitation_stays_a_file(files: list[Attachment]) -> None:
    kinds = [part.get_content_type() for part in read(made(*files, html=None)).walk()]
    assert kinds == ["multipart/mixed", "text/plain", *["text/calendar"] * len(files)]


@pytest.mark.parametrize(
    "name", ["Prüfbericht Q1.pdf", "日本語" * 40, "plan.pdf", 'say "hi".txt', "a" * 190 + ".txt"]
)
def test_readers_that_know_no_rfc_2231_find_the_name_in_the_content_type(name: str) -> None:
    data = made(replace(PLAN, file_name=name), html=None)
    field = data.rpartition(b"\r\nContent-Type: ")[2].partition(b"\r\nContent-Transfer")[0]
    written = re.search(r'name="([^"]*)"', field.decode("ascii"))
    assert written is not None
    words = written[1].split("\r\n ")
    assert all(len(word) <= 75 for word in words)
    assert str(make_header(decode_header("\r\n ".join(words)))) == name


def shown(html: str, *files: Attachment) -> tuple[str, dict[str, str]]:
    parsed = read(made(*files, html=html))
    body = parsed.get_body(("html",))
    assert body is not None
    ids = {str(p.get_filename()): p["Content-ID"] for p in parsed.walk() if p["Content-ID"]}
    return body.get_content().strip(), ids


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("logo.png", "logo.png"),
        ("logo.png", "brand"),
        ("our logo.png", "our logo.png"),
        ("our logo.png", "our%20logo.png"),
        ("Größe.png", "Gr%C3%B6%C3%9Fe.png"),
        ("a&b.png", "a&amp;b.png"),
        ("(1).png", "(1).png"),
    ],
)
def test_html_shows_an_image_by_its_name_or_its_id(name: str, written: str) -> None:
    image = replace(LOGO, file_name=name, content_id="brand")
    longer = replace(LOGO, file_name=f"{name}.bak", content_id="brand-2")
    for frame in ('<img src="cid:{}">', "<img src='CID:{}'>", '<p style="background:url(cid:{})">'):
        html, ids = shown(frame.format(written), longer, image)
        assert html == frame.replace("CID", "cid").format(ids[name].strip("<>"))


def test_what_names_no_image_of_the_campaign_is_left_alone() -> None:
    for html in ('<img src="cid:other.png">', "acid:logo.png", '<a href="cid:plan.pdf">', "cid:"):
        assert shown(html, LOGO, PLAN)[0] == html


def test_ids_are_the_images_own_and_the_same_in_every_email() -> None:
    other = replace(LOGO, content=b"other")
    assert LOGO.wire_id == replace(LOGO).wire_id != other.wire_id
    assert re.fullmatch(r"[\x21-\x7e]+@[a-z]+", LOGO.wire_id)


def test_the_same_email_is_the_same_to_the_octet_and_another_has_other_boundaries() -> None:
    assert made(LOGO, PLAN) == made(LOGO, PLAN)
    attached = Attached.compile([LOGO, PLAN])
    other = message(
        replace(HEADERS, boundary_seed="job 2"), subject="S", text="a", html="b", attached=attached
    )
    rules = [set(re.findall(rb'boundary="([^"]+)"', data)) for data in (made(LOGO, PLAN), other)]
    assert len(rules[0]) == len(rules[1]) == 3
    assert not rules[0] & rules[1]


def test_a_text_that_quotes_a_boundary_does_not_end_a_part() -> None:
    rules = re.findall(rb'boundary="([^"]+)"', made(LOGO, PLAN))
    text = "\n".join(f"--{rule.decode()}{end}" for rule in rules for end in ("", "--"))
    assert len(list(read(made(LOGO, PLAN, text=text)).walk())) == 7


def test_a_template_sends_the_files_with_its_texts() -> None:
    template = MessageTemplate.compile(
        subject="S", text=None, html='<img src="cid:{{ image }}.png">'
    )
    data = template.render(
        {"image": "logo"}, headers=HEADERS, attached=Attached.compile([LOGO, PLAN])
    )
    assert LOGO.wire_id in str(cast(EmailMessage, read(data).get_body()).as_string())


@pytest.mark.parametrize("algorithm", list(DkimAlgorithm))
def test_a_signature_holds_over_the_files(algorithm: DkimAlgorithm) -> None:
    key = DkimKey.generate(algorithm)
    signer = DkimSigner(key, selector="mail", domain="example.test")
    signed = signer.sign(made(LOGO, replace(PLAN, content=b"  x " * 5_000)), signed_at=DATE)

    def dns(name: bytes, timeout: float = 5) -> bytes:
        return key.dns_record(selector="mail", domain="example.test").text.encode()

    assert dkim.verify(signed, dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"plan.pdf", b"plan.exe"), dnsfunc=dns)


@given(st.integers(0, 5_000))
def test_the_size_in_a_message_is_known_before(size: int) -> None:
    grown = len(made(replace(PLAN, content=b"x" * size))) - len(made(replace(PLAN, content=b"")))
    assert 0 <= encoded_octets(size) - grown <= 78


@pytest.mark.parametrize("html", ["<p>{{ links }}", "<p>" + "cid:a " * 100_000])
def test_an_email_stays_within_its_bound_when_its_links_are_written_out(html: str) -> None:
    template = MessageTemplate.compile(subject="S", text="T", html=html)
    links, attached = {"links": "cid:a " * 100_000}, Attached.compile([LOGO])
    assert template.render(links, headers=HEADERS)
    with pytest.raises(RenderError, match="html: becomes longer than"):
        template.render(links, headers=HEADERS, attached=attached)
