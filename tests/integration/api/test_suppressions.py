"""The addresses that must not be mailed: why each is on the list, in and out again."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import uuid
from typing import Any

import pytest

from paceline.services.suppressions import PIECE
from tests.integration.api.conftest import Client
from tests.world import World

CSV = {"Content-Type": "text/csv"}


async def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"/suppressions{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def imported(client: Client, body: bytes, query: str = "") -> dict[str, Any]:
    answer = await client.call(
        "POST", f"/api/v1/suppressions/import{query}", content=body, headers=CSV
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_each_address_says_why_it_is_there_since_when_and_by_whom(ann: Client) -> None:
    given = {"addresses": ["Gone@Example.com"], "note": "asked by phone"}
    assert (await ann.post("/suppressions", given)).json() == {"added": 1}
    [one] = await listed(ann)
    assert one["address"] == "gone@example.com"
    assert (one["reason"], one["note"]) == ("manual", "asked by phone")
    assert one["added_by"] == "ann@owner.test, by API key “test”"
    again = {"addresses": ["gone@example.com"], "note": "another"}
    assert (await ann.post("/suppressions", again)).json() == {"added": 0}
    assert await listed(ann) == [one]


async def test_after_a_hard_bounce_the_reply_and_the_email_are_told(
    ann: Client, world: World
) -> None:
    email = await ann.email()
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason, email_id, reply) "
        "SELECT owner_id, address_key, 'hard_bounce', id, '550 5.1.1 no such user' FROM emails"
    )
    await world.execute(
        "INSERT INTO suppressions (owner_id, address_key, reason, email_id, reply) "
        f"SELECT owner_id, 'old@x.org', 'hard_bounce', '{uuid.uuid4()}', '550 gone' FROM emails"
    )
    bounced, old = await listed(ann, "?reason=hard_bounce")
    assert bounced["email_id"] == email["id"]
    assert bounced["reply"] == "550 5.1.1 no such user"
    assert (old["email_id"], old["reply"]) == (None, "550 gone")  # its email is gone


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", ["ada@math.example", "ada.l@other.example"]),
        ("ada@math.example", ["ada@math.example"]),
        ("other", ["ada.l@other.example", "bob@other.example"]),
        ("othe", ["ada.l@other.example", "bob@other.example"]),
        ("math bob", []),
        ("!!", []),
    ],
)
async def test_it_is_searched_by_words_of_the_address(
    ann: Client, q: str, found: list[str]
) -> None:
    them = ["ada@math.example", "ada.l@other.example", "bob@other.example"]
    await ann.post("/suppressions", {"addresses": them})
    assert sorted(o["address"] for o in await listed(ann, f"?q={q}")) == sorted(found)


async def test_a_file_of_any_shape_is_taken_rows_that_opted_out_among_them(ann: Client) -> None:
    await ann.post("/suppressions", {"addresses": ["a@x.org"]})
    table = b"Name;E-Mail;Status\nA;a@x.org;unsubscribed\nB;b@x.org;bounced\nC;no;x\nD;B@x.org;\n"
    report = await imported(ann, table, "?note=from%20the%20old%20system")
    assert (report["rows"], report["added"], report["known"]) == (4, 1, 2)
    [refused] = report["invalid"]
    assert (refused["line"], refused["value"]) == (4, "no")
    [_, b] = await listed(ann)
    assert (b["address"], b["reason"], b["note"]) == ("b@x.org", "import", "from the old system")


async def test_of_a_file_that_is_of_no_use_nothing_is_stored(ann: Client) -> None:
    answer = await ann.call(
        "POST", "/api/v1/suppressions/import", content=b"a,b\n1,2\n", headers=CSV
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "file"
    assert await listed(ann) == []


async def test_the_export_is_a_table_that_no_spreadsheet_takes_for_formulas(
    ann: Client, bob: Client
) -> None:
    await ann.post("/suppressions", {"addresses": ["=cmd@x.org"], "note": "=1+1"})
    await bob.post("/suppressions", {"addresses": ["bob@x.org"]})
    answer = await ann.get("/suppressions/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "suppressions.csv" in answer.headers["content-disposition"]
    title, row = csv.reader(io.StringIO(answer.text))
    assert title[:3] == ["email", "reason", "since"]
    assert (row[0], row[4]) == ("'=cmd@x.org", "'=1+1")


async def test_a_long_list_is_exported_whole_and_imported_again(
    ann: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.services.suppressions.EXPORT_BATCH", 7)
    await ann.post("/suppressions", {"addresses": [f"u{i}@x.org" for i in range(21)]})
    exported = (await ann.get("/suppressions/export")).content
    assert (await imported(bob, exported))["added"] == 21


async def test_taking_an_address_off_is_written_down_with_the_reason(ann: Client) -> None:
    await ann.post("/suppressions", {"addresses": ["back@x.org"]})
    gone = await ann.delete("/suppressions/back@x.org?note=wrote+to+us+again")
    assert gone.status_code == 204
    assert await listed(ann) == []
    [entry] = (await ann.get("/suppressions/removed")).json()["items"]
    assert (entry["address"], entry["removed_by"]) == (
        "back@x.org",
        "ann@owner.test, by API key “test”",
    )
    assert entry["detail"]["note"] == "wrote to us again"
    assert entry["detail"]["reason"] == "manual"


async def test_nobody_sees_or_touches_the_list_of_somebody_else(ann: Client, bob: Client) -> None:
    await ann.post("/suppressions", {"addresses": ["a@x.org"]})
    assert await listed(bob) == []
    assert await listed(bob, "?q=a") == []
    assert (await bob.delete("/suppressions/a@x.org")).status_code == 404
    assert "a@x.org" not in (await bob.get("/suppressions/export")).text
    assert len(await listed(ann)) == 1


async def test_an_import_holds_up_nobody_for_longer_than_a_piece_of_it(
    ann: Client, world: World
) -> None:
    many = [f"n{number}@x.org" for number in range(PIECE)]
    body = "\n".join(["email", *many, "last@x.org"]).encode()
    async with world.database.driver() as worker, worker.transaction():
        await worker.execute(
            "INSERT INTO suppressions (owner_id, address_key, reason) "
            "SELECT id, 'last@x.org', 'hard_bounce' FROM users WHERE email = 'ann@owner.test'"
        )
        importing = asyncio.ensure_future(imported(ann, body))
        await world.until_blocked(1)
        # What a worker would have to wait for is stored already.
        assert await world.fetchval("SELECT count(*) FROM suppressions") == PIECE
    report = await importing
    assert (report["added"], report["known"]) == (PIECE, 1)


async def test_a_file_that_cannot_be_read_to_its_end_suppresses_nobody(ann: Client) -> None:
    many = "\n".join(f"n{number}@x.org" for number in range(PIECE + 1))
    cut_short = gzip.compress(f"email\n{many}\n".encode())[:-9]
    kind = {"Content-Type": "application/gzip"}
    answer = await ann.call("POST", "/api/v1/suppressions/import", content=cut_short, headers=kind)
    assert answer.status_code == 422, answer.text
    assert await listed(ann) == []
