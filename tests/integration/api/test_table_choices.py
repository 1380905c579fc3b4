"""How a table was read is told, can be looked at before it is stored, and can be chosen."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.integration.api.conftest import Client

CSV = b"""Exported from Somewhere

Email,First name
ada@example.com,Ada
grace@@example.com,Grace
ada@example.com,Ada again
"""
CYRILLIC = "email;имя\nada@example.com;Ада\n".encode("cp1251")


async def upload(ann: Client, data: bytes, **choices: str) -> httpx2.Response:
    campaign = await ann.campaign()
    return await ann.post(
        f"/campaigns/{campaign['id']}/recipients",
        content=data,
        params=choices,
        headers={"Content-Type": "text/csv"},
    )


async def preview(ann: Client, data: bytes, **choices: Any) -> httpx2.Response:
    headers = {"Content-Type": "text/csv"}
    return await ann.post("/recipients/preview", content=data, params=choices, headers=headers)


async def test_the_report_tells_how_the_file_was_read(ann: Client) -> None:
    report = (await upload(ann, b"Email,Company\nada@example.com,Engines\n")).json()
    assert (report["rows"], report["accepted"], report["left_out"]) == (1, 1, 0)
    shape = report["shape"]
    assert (shape["encoding"], shape["delimiter"], shape["header_line"]) == ("utf-8", ",", 1)
    assert [c["becomes"] for c in shape["columns"]] == ["address", "field"]
    assert [c["field"] for c in shape["columns"]] == [None, "company"]
    assert shape["questions"] == []


async def test_recipients_that_come_as_json_have_no_shape_and_no_choices(ann: Client) -> None:
    campaign = await ann.campaign()
    path, body = f"/campaigns/{campaign['id']}/recipients", {"recipients": [{"email": "a@x.org"}]}
    assert (await ann.post(path, body)).json()["shape"] is None
    refused = await ann.post(f"{path}?encoding=cp1251", body)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"field": "encoding", "message": "is for files only"}]


async def test_a_byte_that_its_encoding_lacks_is_shown_as_such_in_a_title(ann: Client) -> None:
    table = b"email,n\x81\na@walk.example,x\n"
    for answer in (
        await preview(ann, table, encoding="cp1252"),
        await upload(ann, table, encoding="cp1252"),
    ):
        assert answer.is_success
        titles = [column["title"] for column in answer.json()["shape"]["columns"]]
        assert titles == ["email", "n\ufffd"]


async def test_a_question_about_columns_with_such_a_title_can_be_answered(ann: Client) -> None:
    table = b"mail \x98,mail 2\na@x.example,b@x.example\n"
    asked = (await preview(ann, table, encoding="cp1251")).json()["shape"]["questions"]
    options = next(q["options"] for q in asked if q["about"] == "address_column")
    chosen = options[0]["value"]
    seen = (await preview(ann, table, encoding="cp1251", address_column=chosen)).json()
    assert [row["email"] for row in seen["first"]] == ["a@x.example"]


async def test_bytes_of_no_encoding_get_an_answer(ann: Client) -> None:
    noise = "497c8aadfe81fd0ac6bbc387b19886f7d7c4f4b291c9e991ca7c8e9840cf92"
    assert (await preview(ann, bytes.fromhex(noise))).status_code in (200, 422)


async def test_a_preview_stores_nothing(ann: Client) -> None:
    table = b"Email,FNAME\nada@example.com,Ada\ngrace@@x,Grace\nada@example.com,\n"
    seen = (await preview(ann, table, field="FNAME")).json()
    assert (seen["rows"], seen["usable"], seen["duplicates"]) == (3, 1, 0)
    assert [row["line"] for row in seen["invalid"]] == [3, 4]
    assert seen["invalid"][1]["reason"] == "no value for {{ FNAME }}"
    assert seen["fields"] == ["email", "name", "FNAME"]
    assert seen["first"] == [
        {"line": 2, "email": "ada@example.com", "name": "Ada", "fields": {"FNAME": "Ada"}}
    ]
    assert (await ann.get("/campaigns")).json()["items"] == []


async def test_a_preview_of_no_table_is_refused_as_its_import_is(ann: Client) -> None:
    for data, field in ((b"no addresses\n", ""), (b"%PDF-1.7", ""), (b"", ""), (CSV, "company")):
        given = {"field": field} if field else {}
        refused = await preview(ann, data, **given)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "file"
    other = await ann.post("/recipients/preview", {"recipients": []})
    assert other.status_code == 415


async def test_a_choice_that_cannot_be_followed_is_refused_by_its_name(ann: Client) -> None:
    for name, value, message in (
        ("encoding", "ebcdic", "there are: utf-8"),
        ("header_line", "-1", "or 0 where there is no header"),
        ("header_line", "1,5", "must be a whole number"),
        ("header_line", "१", "must be a whole number"),
        ("opted_out", "perhaps", "'leave_out' or 'mail'"),
        ("adress_column", "Email", "is not known here"),
    ):
        for answer in (
            await upload(ann, CSV, **{name: value}),
            await preview(ann, CSV, **{name: value}),
        ):
            assert answer.status_code == 422, answer.text
            [error] = answer.json()["errors"]
            assert error["field"] == name
            assert message in error["message"]


async def test_the_choices_are_described_for_those_who_read_the_description(ann: Client) -> None:
    document = (await ann.http.get("/api/openapi.json")).json()
    for path in ("/api/v1/campaigns/{campaign_id}/recipients", "/api/v1/recipients/preview"):
        described = {p["name"]: p for p in document["paths"][path]["post"]["parameters"]}
        assert {"encoding", "header_line", "address_column", "opted_out"} <= described.keys()
        assert {"opt_out_column", "opt_in_column"} <= described.keys()
        assert "cp1251" in described["encoding"]["description"]
