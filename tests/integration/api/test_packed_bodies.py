"""Bodies that come as gzip are read within the limits; what is packed otherwise is refused."""

from __future__ import annotations

import gzip
import json
import zlib

from paceline.domain.bounds import MAX_FILE_OCTETS
from tests.integration.api.conftest import Client

CSV = b"email,name\nada@example.com,Ada\ngrace@example.com,Grace\n"


async def upload(
    ann: Client, campaign_id: str, data: bytes, kind: str = "text/csv", coding: str | None = None
) -> tuple[int, str]:
    headers = {"Content-Type": kind} | ({"Content-Encoding": coding} if coding else {})
    answer = await ann.post(f"/campaigns/{campaign_id}/recipients", content=data, headers=headers)
    if answer.status_code == 200:
        return 200, f"{answer.json()['accepted']} accepted"
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


PACKED: list[tuple[str, str | None]] = [
    ("text/csv", "gzip"),
    ("text/csv", "GZIP"),
    ("text/csv", "x-gzip"),
    ("text/csv", "identity, gzip"),
    ("application/gzip", None),
    ("application/x-gzip", None),
    ("text/csv", None),
    ("application/octet-stream", None),
]


async def test_a_packed_table_is_read_like_the_table(ann: Client) -> None:
    packed = gzip.compress(CSV)
    for kind, coding in PACKED:
        campaign = await ann.campaign()
        assert await upload(ann, campaign["id"], packed, kind, coding) == (200, "2 accepted")


async def test_json_may_be_packed_too(ann: Client) -> None:
    campaign = await ann.campaign()
    body = json.dumps({"recipients": [{"email": "ada@example.com"}]}).encode()
    answer = await upload(ann, campaign["id"], gzip.compress(body), "application/json", "gzip")
    assert answer == (200, "1 accepted")


async def test_another_coding_is_refused_with_the_one_that_is_taken(ann: Client) -> None:
    campaign = await ann.campaign()
    for path, kind in (
        ("/senders", "application/json"),
        (f"/campaigns/{campaign['id']}/recipients", "text/csv"),
    ):
        for coding in ("br", "zstd", "deflate", "compress", "gzip, gzip", "nonsense"):
            headers = {"Content-Type": kind, "Content-Encoding": coding}
            answer = await ann.post(path, content=zlib.compress(CSV), headers=headers)
            assert answer.status_code == 415
            assert answer.headers["Accept-Encoding"] == "gzip"
            assert "Content-Encoding: gzip" in answer.json()["detail"]


async def test_gzip_that_is_none_is_refused(ann: Client) -> None:
    campaign = await ann.campaign()
    for body in (CSV, gzip.compress(CSV)[:-3], gzip.compress(CSV) + b"more"):
        status, detail = await upload(ann, campaign["id"], body, "text/csv", "gzip")
        assert (status, "gzip" in detail) == (400, True)
    assert (await ann.get(f"/campaigns/{campaign['id']}")).json()["total"] == 0


async def test_a_bomb_goes_off_in_nobodys_memory(ann: Client) -> None:
    campaign = await ann.campaign()
    bomb = gzip.compress(bytes(4 * MAX_FILE_OCTETS), compresslevel=1)
    for kind, coding, status in (
        ("text/csv", "gzip", 413),
        ("application/json", "gzip", 413),
        ("application/gzip", None, 422),
    ):
        answered, detail = await upload(ann, campaign["id"], bomb, kind, coding)
        assert (answered, "MiB" in detail or "zero bytes" in detail) == (status, True), detail
    answer = await ann.post(
        "/senders",
        content=bomb,
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 413


NO_TABLES = [
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "CSV UTF-8"),
    ("application/vnd.oasis.opendocument.spreadsheet", "Text CSV"),
    ("application/pdf", "is a PDF"),
    ("multipart/form-data; boundary=x", "--data-binary @leads.csv"),
    ("image/png", "send application/json or text/csv or application/gzip"),
]


async def test_a_body_that_says_it_is_no_table_is_told_how_to_become_one(ann: Client) -> None:
    campaign = await ann.campaign()
    for kind, words in NO_TABLES:
        status, detail = await upload(ann, campaign["id"], b"PK\x03\x04", kind)
        assert (status, words in detail) == (415, True), detail


async def test_a_workbook_under_the_name_of_a_table_is_told_so_too(ann: Client) -> None:
    campaign = await ann.campaign()
    workbook = b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(100)
    for kind in ("text/csv", "application/vnd.ms-excel", "application/octet-stream"):
        status, detail = await upload(ann, campaign["id"], workbook, kind)
        assert (status, "is an Excel workbook" in detail) == (422, True), detail
