"""`/campaigns/{id}/attachments`: what is taken, what is refused, and until when."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.integration.api.conftest import Client

MIB = 1024 * 1024


async def attach(
    ann: Client, path: str, content: Any = b"x", *, kind: str = "application/pdf", **query: object
) -> httpx2.Response:
    given = {"file_name": "plan.pdf", **query}
    params = {name: str(value) for name, value in given.items()}
    headers = {"Content-Type": kind} if kind else {}
    return await ann.post(path, content=content, params=params, headers=headers)


@pytest.fixture
async def path(ann: Client) -> str:
    """Of the attachments of a draft."""
    campaign = await ann.campaign(recipients=[{"email": "a@x.org"}])
    return f"/campaigns/{campaign['id']}/attachments"


def fields(answer: httpx2.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


async def listed(ann: Client, path: str) -> list[dict[str, Any]]:
    answer = (await ann.get(path)).json()
    assert answer["next_cursor"] is None
    items: list[dict[str, Any]] = answer["items"]
    return items


async def test_files_are_listed_in_their_order_without_what_is_in_them(
    ann: Client, path: str
) -> None:
    first = await attach(ann, path, b"%PDF", file_name="Größe & Zahl.pdf")
    second = await attach(ann, path, b"\x89PNG", kind="image/png", file_name="a.png", inline=True)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["Location"] == f"/api/v1{path}/{first.json()['id']}"
    assert await listed(ann, path) == [first.json(), second.json()]
    shown = first.json()
    assert (shown["file_name"], shown["octets"]) == ("Größe & Zahl.pdf", 4)
    assert (shown["inline"], shown["content_id"]) == (False, None)
    assert (second.json()["inline"], len(second.json()["content_id"])) == (True, 32)


async def test_a_file_is_had_back_as_it_was_and_as_nothing_that_a_browser_shows(
    ann: Client, path: str
) -> None:
    content = b"<script>alert(1)</script>"
    file = (await attach(ann, path, content, kind="text/html", file_name="Größe.html")).json()
    answer = await ann.get(f"{path}/{file['id']}")
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Gr__e.html\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.html"
    )
    assert (await ann.get(f"{path}/{uuid.uuid4()}")).status_code == 404
    await ann.post(f"{path.removesuffix('/attachments')}/launch")
    assert (await ann.get(f"{path}/{file['id']}")).content == content


async def test_a_file_that_was_taken_off_is_gone(ann: Client, path: str) -> None:
    files = [(await attach(ann, path, file_name=f"{n}.pdf")).json() for n in range(3)]
    assert (await ann.delete(f"{path}/{files[1]['id']}")).status_code == 204
    assert (await ann.delete(f"{path}/{files[1]['id']}")).status_code == 404
    assert await listed(ann, path) == [files[0], files[2]]
    again = await attach(ann, path, file_name="again.pdf")
    assert await listed(ann, path) == [files[0], files[2], again.json()]


async def test_once_launched_the_files_stand(ann: Client, path: str) -> None:
    file = (await attach(ann, path)).json()
    campaign = path.removesuffix("/attachments")
    assert (await ann.post(f"{campaign}/launch")).status_code == 200
    for refused in (await attach(ann, path), await ann.delete(f"{path}/{file['id']}")):
        assert refused.status_code == 409
        assert "draft" in refused.json()["detail"]
    assert await listed(ann, path) == [file]


async def test_a_draft_is_thrown_away_with_its_files(ann: Client, path: str, world: Any) -> None:
    await attach(ann, path)
    assert (await ann.delete(path.removesuffix("/attachments"))).status_code == 204
    assert await world.fetchval("SELECT count(*) FROM campaign_attachments") == 0


async def test_a_file_of_another_campaign_is_not_found(ann: Client, path: str) -> None:
    file = (await attach(ann, path)).json()
    other = await ann.campaign()
    gone = await ann.delete(f"/campaigns/{other['id']}/attachments/{file['id']}")
    assert gone.status_code == 404
    assert await listed(ann, path) == [file]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"file_name": ""}, "file_name"),
        ({"file_name": "../../etc/passwd"}, "file_name"),
        ({"file_name": "a\r\nBcc: v@x.org"}, "file_name"),
        ({"file_name": "a\0"}, "file_name"),
        ({"file_name": "x" * 201}, "file_name"),
        ({"content_id": "a"}, "content_id"),
        ({"inline": True}, "content_type"),
        ({"inline": "perhaps"}, "inline"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_what_cannot_be_a_file_is_refused_by_its_field(
    ann: Client, path: str, query: dict[str, object], field: str
) -> None:
    refused = await attach(ann, path, **query)
    assert refused.status_code == 422
    assert fields(refused) == [field]
    assert await listed(ann, path) == []


async def test_an_id_that_is_none_is_refused(ann: Client, path: str) -> None:
    refused = await attach(ann, path, kind="image/png", inline=True, content_id="<a b>")
    assert fields(refused) == ["content_id"]


async def test_two_inline_images_cannot_be_called_the_same(ann: Client, path: str) -> None:
    image = {"kind": "image/png", "inline": True}
    assert (await attach(ann, path, file_name="a.png", content_id="a", **image)).is_success
    assert fields(await attach(ann, path, file_name="a.png", **image)) == ["file_name"]
    assert fields(await attach(ann, path, content_id="a", **image)) == ["content_id"]
    assert (await attach(ann, path, file_name="a.png", kind="image/png")).is_success


async def test_an_empty_file_is_refused(ann: Client, path: str) -> None:
    assert fields(await attach(ann, path, b"")) == ["file"]


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("text/csv; charset=utf-8", 'text/csv; charset="utf-8"'),
        ("application/json", "application/json"),
        ("multipart/form-data; boundary=x", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
async def test_a_file_may_be_of_any_kind(ann: Client, path: str, kind: str, taken: str) -> None:
    assert (await attach(ann, path, kind=kind)).json()["content_type"] == taken


async def test_a_file_of_ten_mebibytes_fits_and_one_octet_more_does_not(
    ann: Client, path: str
) -> None:
    assert (await attach(ann, path, b"x" * (10 * MIB))).status_code == 201
    assert (await attach(ann, path, b"x" * (10 * MIB + 1))).status_code == 413


async def test_a_file_without_an_end_is_cut_off(ann: Client, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * MIB

    assert (await attach(ann, path, endless())).status_code == 413
    assert await listed(ann, path) == []


async def test_together_they_have_a_bound_too(ann: Client, path: str) -> None:
    for _ in range(2):
        assert (await attach(ann, path, b"x" * (10 * MIB))).status_code == 201
    refused = await attach(ann, path, b"x")
    assert refused.status_code == 413
    assert "20 MiB" in refused.json()["detail"]


async def test_there_are_ten_at_most(ann: Client, path: str) -> None:
    for n in range(10):
        assert (await attach(ann, path, file_name=f"{n}.pdf")).status_code == 201
    assert (await attach(ann, path)).status_code == 413
    assert len(await listed(ann, path)) == 10


async def test_asked_again_with_the_same_key_it_is_attached_once(ann: Client, path: str) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/pdf"}
    call = {"content": b"x", "params": {"file_name": "a.pdf"}, "headers": headers}
    first, again = [await ann.post(path, **call) for _ in range(2)]
    assert first.json() == again.json()
    assert await listed(ann, path) == [first.json()]


async def test_a_file_for_which_providers_refuse_the_mail_is_taken_with_a_note(
    ann: Client, path: str
) -> None:
    assert (await attach(ann, path, file_name="setup.exe")).status_code == 201
    campaign = path.removesuffix("/attachments")
    for answer in (await ann.get(campaign), await ann.post(f"{campaign}/launch")):
        (note,) = answer.json()["notes"]
        assert "“setup.exe”: Gmail refuses the whole email" in note
