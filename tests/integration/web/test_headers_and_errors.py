"""What every answer carries, and how errors look."""

from __future__ import annotations

import html
import json
import re
import uuid
from dataclasses import replace

import httpx2
import pytest

from paceline.auth.sessions import Sessions
from paceline.errors import Conflict, TooMuchAtOnce
from paceline.persistence.database import Database
from paceline.services.queries import Queries
from paceline.services.senders import Senders
from paceline.services.suppressions import Suppressions
from paceline.web import Parts, assets
from paceline.web.bodies import MAX_REQUEST_OCTETS
from tests.integration.web.conftest import FRAGMENT, browser, sign_in, words
from tests.integration.web.test_every_page import ROUTES
from tests.world import World


async def test_every_page_carries_the_strict_policy_and_is_not_kept(
    page: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    for response in (await page.get("/"), await stranger.get("/login"), await page.get("/nope")):
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"


async def test_built_files_are_kept_for_good(stranger: httpx2.AsyncClient) -> None:
    response = await stranger.get(assets.asset("app.css"))
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_another_host_name_is_not_answered_to(page: httpx2.AsyncClient) -> None:
    response = await page.get("/", headers={"Host": "evil.test"})
    assert response.status_code == 400


async def test_what_is_not_there_is_a_page_that_says_so(page: httpx2.AsyncClient) -> None:
    nowhere = uuid.uuid4()
    for path in ("/nope", "/emails/nope", f"/emails/{nowhere}", f"/campaigns/{nowhere}"):
        response = await page.get(path)
        assert response.status_code == 404
        assert "Not found" in words(response.text)


async def test_an_error_stands_beside_the_sidebar_with_a_way_on_for_whoever_is_signed_in(
    page: httpx2.AsyncClient, stranger: httpx2.AsyncClient, parts: Parts, world: World
) -> None:
    email = f"/emails/{uuid.uuid4()}"
    large = {"Content-Length": str(MAX_REQUEST_OCTETS + 1)}
    for answer, on in (
        (await page.get(email), 'href="/emails">Emails'),
        (await page.get(f"/compose/{uuid.uuid4()}"), 'href="/drafts">Drafts'),
        (await page.get("/nope"), 'href="/">'),
        (await page.get("/sign-out"), 'href="/">'),
        (await page.post(f"{email}/resolve", data={"resolution": "x"}), 'href="/emails">Emails'),
        (await page.post("/compose", content=b"", headers=large), 'href="/">'),
    ):
        assert answer.is_client_error
        assert answer.text.count('id="sidebar"') == 1
        assert answer.text.count("<main") == 1
        assert on in answer.text.partition("<main")[2]
    alone = (await stranger.get("/nope")).text
    assert 'id="sidebar"' not in alone
    assert "Back to Paceline" in words(alone)
    away = Database("postgresql://127.0.0.1:1/none")
    async with browser(replace(parts, sessions=Sessions(away))) as visitor:
        visitor.cookies.update(page.cookies)
        answer = await visitor.get("/campaigns")
    await away.close()
    assert answer.status_code == 503
    assert 'id="sidebar"' not in answer.text


async def test_an_error_of_a_fragment_is_a_toast_and_replaces_nothing(
    page: httpx2.AsyncClient,
) -> None:
    response = await page.get(f"/emails/{uuid.uuid4()}", headers=FRAGMENT)
    assert response.status_code == 404
    assert response.text == ""
    assert response.headers["HX-Reswap"] == "none"
    assert (
        "nothing at this address" in json.loads(response.headers["HX-Trigger"])["toast"]["message"]
    )


async def test_a_bug_is_a_page_without_its_details(
    parts: Parts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Queries, "glance", broken)
    async with browser(parts) as visitor:
        await sign_in(visitor, parts, world)
        response = await visitor.get("/")
    assert response.status_code == 500
    assert "Something broke" in words(response.text)
    assert "secret detail" not in response.text


async def test_a_database_that_is_away_is_a_page_that_says_to_come_back(
    parts: Parts, world: World
) -> None:
    away = Database("postgresql://127.0.0.1:1/none")
    async with browser(replace(parts, queries=Queries(away, None))) as visitor:  # type: ignore[arg-type]  # it never gets to the meter
        await sign_in(visitor, parts, world)
        response = await visitor.get("/")
    await away.close()
    assert response.status_code == 503
    assert "Out of reach" in words(response.text)


async def test_a_body_past_the_bound_is_refused_before_it_is_read(page: httpx2.AsyncClient) -> None:
    headers = {"Content-Length": str(MAX_REQUEST_OCTETS + 1)}
    response = await page.post("/compose", content=b"", headers=headers)
    assert response.status_code == 413
    assert "was not taken, and nothing was changed: send less" in words(response.text)


async def test_head_and_options_work_on_pages(page: httpx2.AsyncClient) -> None:
    for path in ("/", "/login", "/campaigns"):
        got, head = await page.get(path), await page.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        options = await page.request("OPTIONS", path)
        assert options.status_code == 204
        assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["allow"].split(", "))
    asset = re.search(r'href="(/static/[^"]+)"', (await page.get("/")).text)
    assert asset
    assert (await page.head(asset[1])).status_code == 200


async def test_a_method_that_a_page_does_not_answer_is_refused_with_those_it_does(
    page: httpx2.AsyncClient,
) -> None:
    refused = await page.put("/campaigns")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "This address answers GET, HEAD, OPTIONS, not PUT." in words(refused.text)
    refused = await page.get("/sign-out")
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")
    assert "Not found" not in words(refused.text)
    assert "This address takes what a form sends, and shows nothing." in words(refused.text)
    assert (await page.request("OPTIONS", "/nothing/here")).status_code == 404


async def test_what_a_mailing_adds_to_a_link_does_not_break_a_page(
    page: httpx2.AsyncClient,
) -> None:
    for path in ("/?utm_source=mail", "/campaigns?fbclid=1", "/senders?ref=x"):
        assert (await page.get(path)).status_code == 200


async def test_what_was_typed_survives_a_bug_and_can_be_sent_again(
    page: httpx2.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    typed = {"addresses": "ada@x.org\n<b>bob</b>@x.org", "note": "asked by phone", "once": "abc"}
    typed["smtp_host"] = "mail.example.org"
    with monkeypatch.context() as patch:
        patch.setattr(Suppressions, "add_file", broken)
        answer = await page.post("/suppressions", data=typed)
    assert answer.status_code == 500
    text = words(answer.text)
    assert "What you typed It is still here." in text
    assert "SMTP host" in text
    assert "&lt;b&gt;bob&lt;/b&gt;@x.org" in answer.text
    assert "secret detail" not in answer.text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    again = {name: html.unescape(value) for name, value in fields}
    assert {name: again[name] for name in typed} == typed
    del page.headers["X-CSRF-Token"]  # the page brings its own
    assert (await page.post("/suppressions", data=again)).status_code == 200
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 1


async def test_what_was_typed_beside_a_file_that_nobody_chose_can_be_sent_again(
    page: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise TooMuchAtOnce("too many at once", retry_after_seconds=1)

    def part(name: str, value: str) -> str:
        return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'

    # As a browser sends a form whose file was left empty.
    nothing = part('file"; filename="', "").replace("\r\n\r\n", "\r\nContent-Type: x/y\r\n\r\n")
    body = part("addresses", "ada@x.org") + nothing + "--b--\r\n"
    monkeypatch.setattr(Suppressions, "add_file", full)
    answer = await page.post(
        "/suppressions",
        content=body.encode(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 429
    assert "ada@x.org" in answer.text
    assert "Send it again" in words(answer.text)
    assert "Files and passwords are not" not in words(answer.text)


async def test_a_password_is_never_sent_back(
    page: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> None:
        raise Conflict("it is too late")

    monkeypatch.setattr(Senders, "get", gone)
    typed = {"name": "The news", "smtp_password": "hunter2-secret"}
    answer = await page.post(f"/senders/{uuid.uuid4()}", data=typed)
    assert answer.status_code == 409
    assert "The news" in answer.text
    assert "hunter2-secret" not in answer.text
    assert "Files and passwords are not: give them again." in words(answer.text)
    assert "Send it again" not in words(answer.text)


async def test_what_was_typed_under_an_earlier_sign_in_is_shown_and_not_carried_out(
    page: httpx2.AsyncClient, world: World
) -> None:
    del page.headers["X-CSRF-Token"]
    answer = await page.post("/suppressions", data={"addresses": "ada@x.org", "csrf": "old"})
    assert answer.status_code == 403
    assert "ada@x.org" in answer.text
    assert "Send it again" not in words(answer.text)
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_each_page_allows_what_it_answers_and_no_more(page: httpx2.AsyncClient) -> None:
    known: dict[str, set[str]] = {}
    for method, path in ROUTES:
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        url = re.sub(r"{[^}]+}", str(uuid.uuid4()), path)
        expected = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        options = await page.request("OPTIONS", url)
        assert set(options.headers["allow"].split(", ")) == expected, path
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE"} - expected:
            refused = await page.request(method, url)
            assert refused.status_code == 405, (method, path)
            assert set(refused.headers["allow"].split(", ")) == expected, (method, path)
