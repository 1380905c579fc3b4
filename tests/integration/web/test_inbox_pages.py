"""The dev inbox's page: what was caught, opened without harm, for administrators."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx2

from paceline.persistence.database import Database
from paceline.persistence.stores import inbox
from paceline.persistence.stores.inbox import NewInboxMessage
from tests.integration.web.conftest import FRAGMENT, words

HOSTILE = b"""\
From: Mallory <mallory@example.com>\r
To: ada@example.org\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <script>alert(1)</script>\r
Message-ID: <1@example.com>\r
MIME-Version: 1.0\r
Content-Type: text/html; charset=nobody-knows\r
\r
<script>parent.document.title = 'pwned'</script><p>Hello</p>\r
"""


async def catch(database: Database, *raws: bytes) -> None:
    messages = [
        NewInboxMessage(
            received_at=datetime.now(UTC),
            mail_from="mallory@example.com",
            rcpt_to=("ada@example.org",),
            subject=f"Message {number}",
            message_id=None,
            raw=raw,
        )
        for number, raw in enumerate(raws)
    ]
    async with database.transaction() as session:
        await inbox.insert_messages(session, messages)


async def opened(page: httpx2.AsyncClient) -> str:
    found = re.search(r'href="(/inbox/[0-9a-f-]{36})"', (await page.get("/inbox")).text)
    assert found
    return found[1]


async def test_what_was_caught_is_listed_newest_first(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, HOSTILE, HOSTILE)
    text = words((await admin_page.get("/inbox")).text)
    assert text.index("Message 1") < text.index("Message 0")
    assert "2 messages" in text


async def test_an_empty_inbox_says_how_to_fill_it(admin_page: httpx2.AsyncClient) -> None:
    assert "Nothing caught yet" in (await admin_page.get("/inbox")).text


async def test_a_message_is_shown_with_its_headers_escaped(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, HOSTILE)
    html = (await admin_page.get(await opened(admin_page))).text
    assert "Grüße &lt;script&gt;" in html
    assert "<script>alert(1)" not in html
    source = (await admin_page.get(await opened(admin_page) + "/body?view=source")).text
    assert "pwned&#x27;&lt;/script&gt;" in source


async def test_its_body_is_shown_under_the_policy_of_mail(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, HOSTILE)
    response = await admin_page.get(await opened(admin_page) + "/body")
    assert "<p>Hello</p>" in response.text
    assert "sandbox allow-popups" in response.headers["Content-Security-Policy"]
    assert response.headers["X-DNS-Prefetch-Control"] == "off"


async def test_mail_that_is_no_mail_can_be_opened_too(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, b"\xff\x00 not a message")
    path = await opened(admin_page)
    assert (await admin_page.get(path)).status_code == 200
    assert (await admin_page.get(path + "/body")).status_code == 200
    assert (await admin_page.get(path, headers=FRAGMENT)).text.lstrip().startswith("<dialog")


async def test_many_messages_have_pages(admin_page: httpx2.AsyncClient, database: Database) -> None:
    await catch(database, *[HOSTILE] * 60)
    first = (await admin_page.get("/inbox")).text
    older = re.search(r'href="(/inbox\?cursor=[^"]+)"', first)
    assert older
    second = words((await admin_page.get(older[1])).text)
    assert "Message 34 " in second
    assert "Message 35 " not in second


async def test_the_inbox_can_be_emptied(admin_page: httpx2.AsyncClient, database: Database) -> None:
    await catch(database, HOSTILE)
    await admin_page.post("/inbox/clear")
    assert "Nothing caught yet" in (await admin_page.get("/inbox")).text


async def test_messages_that_were_ticked_are_dropped_and_it_is_said(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, *[HOSTILE] * 3)
    found = re.findall(r'name="selected" value="([^"]+)"', (await admin_page.get("/inbox")).text)
    assert len(found) == 3
    response = await admin_page.post("/inbox/drop", data={"selected": found[:2]})
    assert response.headers["Location"] == "/inbox"
    said = words((await admin_page.get("/inbox")).text)
    assert "2 messages dropped." in said
    assert "1 message " in said
    assert "2 messages dropped." not in words((await admin_page.get("/inbox")).text)
    await admin_page.post("/inbox/drop", data={"everything": "yes"})
    assert "Nothing caught yet" in (await admin_page.get("/inbox")).text


async def test_only_administrators_see_the_mail_of_the_whole_machine(
    page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, HOSTILE)
    response = await page.get("/inbox")
    assert response.status_code == 403
    assert "Only administrators" in words(response.text)
    assert 'href="/inbox"' not in (await page.get("/")).text


async def test_only_the_newest_are_kept(database: Database) -> None:
    await catch(database, *[HOSTILE] * 5)
    async with database.transaction() as session:
        await inbox.prune(session, keep=10)
        assert await inbox.count_messages(session) == 5
        await inbox.prune(session, keep=2)
        kept = await inbox.list_newest(session, limit=10)
    assert [message.subject for message in kept] == ["Message 4", "Message 3"]


WITH_FILES = b"""\
From: ada@example.com\r
Subject: plan\r
Content-Type: multipart/mixed; boundary=b\r
\r
--b\r
\r
Here it is.\r
--b\r
Content-Type: text/html\r
\r
<img src="cid:logo"><p>Here it is</p>\r
--b\r
Content-Type: image/png; name=logo.png\r
Content-ID: <logo>\r
Content-Transfer-Encoding: base64\r
\r
iVBO\r
--b\r
Content-Type: text/html\r
Content-Disposition: attachment; filename="..\\..\\plan.html"\r
\r
<script>alert(1)</script>\r
--b--\r
"""


async def test_a_message_is_searched_by_address_and_subject(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, HOSTILE, HOSTILE)
    found = words((await admin_page.get("/inbox?q=message+1+MALLORY", headers=FRAGMENT)).text)
    assert "Message 1" in found
    assert "Message 0" not in found
    assert "Nothing matches" in words((await admin_page.get("/inbox?q=100%25")).text)
    live = words((await admin_page.get("/inbox/rows?q=Message+0", headers=FRAGMENT)).text)
    assert "Message 1" not in live
    await admin_page.post("/inbox/drop", data={"everything": "yes", "q": "Message 0"})
    assert "Message 1" in words((await admin_page.get("/inbox")).text)


async def test_a_message_has_views_and_each_is_shown_under_the_policy_of_mail(
    admin_page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, WITH_FILES)
    path = await opened(admin_page)
    html = (await admin_page.get(path)).text
    assert f'src="{path}/body?view=html"' in html
    assert f'src="{path}/body?view=text"' in (await admin_page.get(f"{path}?view=text")).text
    told = {"html": "Here it is</p>", "text": "Here it is.", "headers": "Subject: plan"}
    for view, text in {**told, "source": "--b--"}.items():
        answer = await admin_page.get(f"{path}/body?view={view}")
        assert text in answer.text
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    shown = (await admin_page.get(f"{path}/body?view=html")).text
    assert '<img src="data:image/png;base64,iVBO">' in shown
    view = await admin_page.get(f"{path}/view?view=headers", headers=FRAGMENT)
    assert view.text.lstrip().startswith('<div id="message"')


async def test_an_attachment_is_a_file_to_keep_and_never_a_page_of_ours(
    admin_page: httpx2.AsyncClient, page: httpx2.AsyncClient, database: Database
) -> None:
    await catch(database, WITH_FILES)
    path = await opened(admin_page)
    assert f'href="{path}/parts/3"' in (await admin_page.get(path)).text
    answer = await admin_page.get(f"{path}/parts/3")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kept = answer.headers["Content-Disposition"]
    assert kept.startswith('attachment; filename="_.._plan.html"')
    assert (await admin_page.get(f"{path}/parts/0")).status_code == 404  # shown, not attached
    assert (await admin_page.get(f"{path}/parts/99")).status_code == 404
