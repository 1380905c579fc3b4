"""What people bring that is no table is called by its name, and the way to a table is told."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from paceline.domain.blocked_files import notes_on_files
from paceline.domain.tables.file_kinds import table_octets
from paceline.errors import InvalidInput

TABLE = b"email,name\nada@example.com,Ada\n"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"


def zipped(**parts: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("leads.csv")
        member.size = len(TABLE)
        archive.addfile(member, io.BytesIO(TABLE))
    return made.getvalue()


XLSX = zipped(**{"[Content_Types].xml": "<Types/>" * 50, "_rels/.rels": "", "xl/workbook.xml": ""})
MAIL = (
    b"Return-Path: <ada@example.com>\r\nReceived: from a.example by b.example;\r\n\tMon, 5 Jan\r\n"
    b"From: Ada <ada@example.com>\r\nTo: b@example.com\r\n\r\nHello c@example.com\r\n"
)
OTHERS = [
    (XLSX, "Excel workbook.*CSV UTF-8"),
    (gzip.compress(XLSX), "Excel workbook"),
    (zipped(mimetype=_ODS, **{"content.xml": "<x/>"}), "OpenDocument spreadsheet.*Text CSV"),
    (zipped(**{"Index/Document.iwa": "", "preview.jpg": ""}), "Numbers.*Export To"),
    (zipped(**{"[Content_Types].xml": "", "word/document.xml": ""}), "word processor"),
    (zipped(**{"leads.csv": "email"}), "archive: unpack it"),
    (tarred(), "archive: unpack it"),
    (gzip.compress(tarred()), "archive: unpack it"),
    (gzip.compress(gzip.compress(TABLE)), "archive: unpack it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Office file"),
    (b"%PDF-1.7\n", "PDF"),
    (b"{\\rtf1\\ansi ada@example.com}", "word processor"),
    (b"\x89PNG\r\n\x1a\n", "picture"),
    (b"SQLite format 3\0", "database"),
    (b'<?xml version="1.0"?><Workbook><Row/></Workbook>', "XML"),
    (b'[\n {"email": "ada@example.com"}\n]', "JSON"),
    (b'{"email": "ada@example.com"}\n{"email": "grace@example.com"}', "JSON"),
    (MAIL, "saved email.*addresses"),
    (b"From ada@example.com Mon Jan  5 10:00:00 2026\n" + MAIL, "saved email"),
    (b"\xef\xbb\xbfFrom: ada@example.com\nMIME-Version: 1.0\nTo: b@example.com\n\n", "saved email"),
    (b"BEGIN:VCALENDAR\r\nATTENDEE:mailto:ada@example.com\r\n", "calendar"),
    (gzip.compress(TABLE)[:-4], "ends too soon: it was cut off: make or fetch it once more"),
]


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize(("data", "what"), OTHERS, ids=[what for _, what in OTHERS])
def test_another_kind_of_file_is_named_with_the_way_to_a_table(
    data: bytes, what: str, size: int
) -> None:
    pieces = (data[i : i + size] for i in range(0, len(data), size))
    with pytest.raises(InvalidInput, match=what) as refused:
        list(table_octets(pieces))
    assert [problem.field for problem in refused.value.problems] == ["file"]


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        b"",
        b"{{ name }};email\nAda;ada@example.com",
        b"<ada@example.com>, <grace@example.com>",
        b"[Leads]\nada@example.com",
        b"From: Ada <ada@example.com>\nSubject: Hi\nTo: Bo <bo@example.com>, c@example.com\n",
        b"To: ada@example.com\nCc: bo@example.com\n",
        b"Received: ada@example.com\nReceived: bo@example.com\n",
        b"From,To\nada@example.com,bo@example.com\n",
        b"<html><table><tr><td>ada@example.com</td></tr></table>",
        b"BEGIN:VCARD\r\nEMAIL:ada@example.com\r\nEND:VCARD",
        "<имя>;email".encode("utf-16"),
    ],
)
def test_a_table_comes_through_as_it_is(table: bytes) -> None:
    assert b"".join(table_octets([table])) == table


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_packed_table_is_unpacked_however_it_is_cut(size: int) -> None:
    packed = gzip.compress(TABLE * 10_000)
    pieces = (packed[i : i + size] for i in range(0, len(packed), size))
    assert b"".join(table_octets(pieces)) == TABLE * 10_000


@pytest.mark.parametrize("name", ["setup.exe", "Rechnung.PDF.JS", "run.bat", "a.iso", "macro.xll"])
def test_files_for_which_providers_refuse_a_mail_are_told_by_name(name: str) -> None:
    (note,) = notes_on_files(["plan.pdf", name])
    assert f"“{name}”" in note
    assert "Gmail refuses the whole email" in note


def test_files_that_outlook_hides_are_told_as_that() -> None:
    (note,) = notes_on_files(["export.mdb"])
    assert "Outlook hides files that end in .mdb" in note


@pytest.mark.parametrize("name", ["exe", "plan.pdf", "js.txt", "a.docx", "meeting.ics", "x."])
def test_files_that_arrive_are_let_be(name: str) -> None:
    assert notes_on_files([name]) == ()
