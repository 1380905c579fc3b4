"""The lists of emails: tabs, search, filters, pages; and one email from start to end."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from html import unescape

import httpx2

from paceline.web import Parts
from tests.integration.web.conftest import FRAGMENT, words
from tests.world import World

SENT = """
    UPDATE email_jobs SET state = 'sent', sent_at = now(), attempt = 1, updated_at = now()
     WHERE email_id = $1
"""
FAILED = """
    UPDATE email_jobs SET state = 'failed', failure_reason = 'hard_bounce', attempt = 1,
           reply_code = 550, reply_enhanced = '5.1.1', reply_text = 'no such user'
     WHERE email_id = $1
"""
IN_DOUBT = "UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = now() WHERE email_id = $1"
ATTEMPT = """
    INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, phase, reply_code,
                          reply_enhanced, reply_text, ended_at)
    SELECT email_id, 1, sender_id, email_id, $2, 'rcpt', 550, '5.1.1', 'no such user', now()
      FROM email_jobs WHERE email_id = $1
"""


CANCELLED = "UPDATE email_jobs SET state = 'cancelled' WHERE email_id = $1"


async def three_emails(world: World) -> list[uuid.UUID]:
    """One waits, one was sent, one failed."""
    sender = await world.sender()
    campaign = await world.campaign(sender)
    addresses = ["ada@example.org", "grace@example.org", "alan@example.org"]
    waiting, sent, failed = await world.emails(
        sender, campaign, addresses, due_in=timedelta(hours=1)
    )
    await world.execute(SENT, sent)
    await world.execute(FAILED, failed)
    return [waiting, sent, failed]


def tab_count(html: str, label: str) -> int:
    found = re.search(rf"{label} (\d+)", words(html[html.index('id="tabs"') :]))
    assert found
    return int(found[1])


async def test_each_tab_lists_its_own_with_counts_on_all(
    page: httpx2.AsyncClient, world: World
) -> None:
    await three_emails(world)
    for tab, mine in (("scheduled", "ada"), ("sent", "grace"), ("failed", "alan")):
        html = (await page.get("/emails", params={"tab": tab})).text
        listed = set(re.findall(r"(ada|grace|alan)@example\.org", html))
        assert listed == {mine}
        assert [tab_count(html, name) for name in ("Scheduled", "Sent", "Failed")] == [1, 1, 1]


async def test_failed_in_doubt_and_cancelled_are_lists_and_counts_of_their_own(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    names = ["ada", "grace", "alan", "edsger", "barbara"]
    addresses = [f"{name}@example.org" for name in names]
    ids = await world.emails(sender, await world.campaign(sender), addresses)
    for email, change in zip(ids[1:], (SENT, FAILED, IN_DOUBT, CANCELLED), strict=True):
        await world.execute(change, email)
    labels = ("Scheduled", "Sent", "Failed", "In doubt", "Cancelled")
    tabs = ("scheduled", "sent", "failed", "in_doubt", "cancelled")
    for tab, mine in zip(tabs, names, strict=True):
        html = (await page.get("/emails", params={"tab": tab})).text
        assert set(re.findall(r"(\w+)@example\.org", html)) == {mine}
        assert [tab_count(html, label) for label in labels] == [1, 1, 1, 1, 1]


async def test_a_list_is_narrowed_down_by_search_and_by_campaign(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    first = await world.campaign(sender, name="First")
    second = await world.campaign(sender, name="Second")
    await world.emails(sender, first, ["ada@example.org", "grace@example.org"])
    await world.emails(sender, second, ["ada@example.net"])
    found = (await page.get("/emails", params={"q": "ada"})).text
    assert "ada@example.org" in found
    assert "grace@example.org" not in found
    found = (await page.get("/emails", params={"q": "ada", "campaign": str(second)})).text
    assert "ada@example.net" in found
    assert "ada@example.org" not in found
    assert "Nothing matches" in (await page.get("/emails", params={"q": "zzz"})).text


async def test_a_long_list_has_a_next_page_and_a_way_back(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    await world.emails(sender, await world.campaign(sender), 30)
    first = (await page.get("/emails")).text
    following = re.search(r'href="(/emails\?[^"]*cursor=[^"]+)"', first)
    assert following
    second = (await page.get(unescape(following[1]))).text
    both = [set(re.findall(r"reader\d+@", html)) for html in (first, second)]
    assert [len(listed) for listed in both] == [25, 5]
    assert not both[0] & both[1]
    assert 'href="/emails?tab=scheduled"' in second


async def test_a_fragment_is_part_of_its_page(page: httpx2.AsyncClient, world: World) -> None:
    await three_emails(world)
    whole = await page.get("/emails")
    part = await page.get("/emails", headers=FRAGMENT)
    assert "<!doctype html>" in whole.text
    assert "<html" not in part.text
    assert 'id="rows"' in part.text
    assert whole.headers["Vary"].startswith("HX-Request-Type")


async def test_the_live_answer_brings_rows_and_tabs(page: httpx2.AsyncClient, world: World) -> None:
    await three_emails(world)
    html = (await page.get("/emails/rows", params={"tab": "sent"}, headers=FRAGMENT)).text
    assert "grace@example.org" in html
    assert 'hx-target="#tabs"' in html


async def test_nobody_sees_the_emails_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World
) -> None:
    waiting, _, _ = await three_emails(world)
    for path in ("/", "/emails"):
        assert "ada@example.org" not in (await other_page.get(path)).text
    for path in ("", "/detail", "/body"):
        assert (await other_page.get(f"/emails/{waiting}{path}")).status_code == 404
    assert (await other_page.post(f"/emails/{waiting}/cancel")).status_code == 404


async def test_a_waiting_email_says_what_it_waits_for_in_the_readers_zone(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    [email] = await world.emails(sender, await world.campaign(sender), ["ada@example.org"])
    due = "UPDATE email_jobs SET due_at = '2030-01-15T09:30Z', scheduled_at = '2030-01-15T09:30Z'"
    await world.execute(due)
    text = words((await page.get(f"/emails/{email}")).text)
    assert "Waits for its time, goes out on Jan 15 2030 at 10:30." in text
    assert "Hello ada" in text


async def test_a_failed_email_shows_the_reply_and_the_attempt(
    page: httpx2.AsyncClient, world: World
) -> None:
    _, _, failed = await three_emails(world)
    await world.execute(ATTEMPT, failed, "rejected")
    text = words((await page.get(f"/emails/{failed}")).text)
    assert "does not exist" in text
    assert "Attempt 1" in text
    assert "550 5.1.1 no such user" in text


async def test_the_drawer_holds_the_same_as_the_page(
    page: httpx2.AsyncClient, world: World
) -> None:
    waiting, _, _ = await three_emails(world)
    drawer = (await page.get(f"/emails/{waiting}", headers=FRAGMENT)).text
    assert drawer.lstrip().startswith("<dialog")
    assert f'src="/emails/{waiting}/body?view=text"' in drawer


async def test_an_email_is_shown_under_a_policy_of_its_own(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    hostile = "<script>top.location='//evil.test'</script><p>Hi {{ name }}</p>"
    campaign = await world.campaign(sender, html_body=hostile)
    [email] = await world.emails(sender, campaign, ["ada@example.org"])
    response = await page.get(f"/emails/{email}/body")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "<p>Hi ada</p>" in response.text
    shown = (await page.get(f"/emails/{email}")).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "evil.test" not in shown


async def test_a_waiting_email_can_be_cancelled(page: httpx2.AsyncClient, world: World) -> None:
    waiting, _, _ = await three_emails(world)
    response = await page.post(f"/emails/{waiting}/cancel")
    assert response.headers["Location"] == f"/emails/{waiting}"
    assert await world.states([waiting]) == ["cancelled"]
    assert "/cancel" not in (await page.get(f"/emails/{waiting}")).text


async def test_cancelling_in_the_drawer_answers_with_its_new_state(
    page: httpx2.AsyncClient, world: World
) -> None:
    waiting, _, _ = await three_emails(world)
    response = await page.post(f"/emails/{waiting}/cancel", headers=FRAGMENT)
    assert response.status_code == 200
    assert 'hx-target="#email-badge"' in response.text
    assert "Cancelled" in response.text


async def test_an_email_that_has_left_cannot_be_called_back(
    page: httpx2.AsyncClient, world: World
) -> None:
    _, sent, _ = await three_emails(world)
    response = await page.post(f"/emails/{sent}/cancel", headers=FRAGMENT)
    assert response.status_code == 409
    assert "too late" in json.loads(response.headers["HX-Trigger"])["toast"]["message"]
    assert await world.states([sent]) == ["sent"]


async def test_an_email_whose_server_is_silent_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    waiting, _, _ = await three_emails(world)
    await world.execute(
        "UPDATE email_jobs SET state = 'claimed', lease_until = now() + interval '60 s',"
        " updated_at = now() - interval '80 s' WHERE email_id = $1",
        waiting,
    )
    shown = words((await page.get(f"/emails/{waiting}")).text)
    assert "Waits for the mail server’s answer, which takes long. It was begun" in shown
    assert "on hold" not in words((await page.get("/emails")).text)


async def test_a_person_settles_what_is_in_doubt(page: httpx2.AsyncClient, world: World) -> None:
    waiting, _, _ = await three_emails(world)
    for answer, state in (("resend", "deferred"), ("sent", "sent")):
        await world.execute(IN_DOUBT, waiting)
        shown = words((await page.get(f"/emails/{waiting}")).text)
        assert "Mark as sent" in shown
        assert "Send again" in shown
        await page.post(f"/emails/{waiting}/resolve", data={"resolution": answer})
        assert await world.states([waiting]) == [state]


async def test_doubt_is_settled_in_one_of_two_ways_only(
    page: httpx2.AsyncClient, world: World
) -> None:
    waiting, _, _ = await three_emails(world)
    await world.execute(IN_DOUBT, waiting)
    response = await page.post(f"/emails/{waiting}/resolve", data={"resolution": "maybe"})
    assert response.status_code == 422
    assert await world.states([waiting]) == ["in_doubt"]


async def test_dead_cursors_are_an_error_page_rather_than_a_crash(
    page: httpx2.AsyncClient, parts: Parts
) -> None:
    assert (await page.get("/emails", params={"cursor": "made up"})).status_code == 422


async def test_every_entry_of_the_sidebar_leads_to_a_page_that_it_marks(
    admin_page: httpx2.AsyncClient,
) -> None:
    html = (await admin_page.get("/")).text
    links = re.findall(r'class="pl-nav-link" href="([^"]+)"', html)
    assert len(links) >= 9
    for link in links:
        response = await admin_page.get(unescape(link))
        assert response.status_code == 200
        assert f'href="{link}" aria-current="page"' in response.text


async def test_the_sidebar_counts_along(page: httpx2.AsyncClient, world: World) -> None:
    await three_emails(world)
    for path in ("/", "/nav?section=senders"):
        nav = (await page.get(path)).text
        for label in ("Scheduled", "Sent", "Failed"):
            assert re.search(rf"{label} 1 ", words(nav[nav.index('id="nav"') :]))
    assert "/nav?section=senders" in (await page.get("/senders")).text


async def test_another_list_marks_its_entry_of_the_sidebar(
    page: httpx2.AsyncClient, world: World
) -> None:
    await three_emails(world)
    part = (await page.get("/emails", params={"tab": "sent"}, headers=FRAGMENT)).text
    assert 'hx-target="#nav"' in part
    assert 'href="/emails?tab=sent" aria-current="page"' in part


def listed_in(html: str) -> list[str]:
    return re.findall(r'id="email-([0-9a-f-]{36})"', html)


def link(html: str, label: str) -> str:
    """Where the link of the pager with this label leads."""
    links = re.findall(r'<a class="btn"[^>]*? href="([^"]+)"[^>]*>(.*?)</a>', html, re.DOTALL)
    found = [href for href, text in links if label in words(text)]
    return unescape(found[0]) if found else ""


async def test_next_and_previous_walk_a_list_of_any_size_of_page_both_ways(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    await world.emails(sender, await world.campaign(sender), 130)
    first = (await page.get("/emails?size=50")).text
    assert "130 emails" in words(first)
    second = (await page.get(link(first, "Next"))).text
    third = (await page.get(link(second, "Next"))).text
    assert [len(listed_in(html)) for html in (first, second, third)] == [50, 50, 30]
    assert not link(third, "Next")
    back = (await page.get(link(third, "Previous"))).text
    assert listed_in(back) == listed_in(second)
    start = (await page.get(link(back, "Previous"))).text
    assert listed_in(start) == listed_in(first)
    assert not link(start, "Previous")
    assert len(listed_in((await page.get("/emails?size=100")).text)) == 100


async def test_a_list_is_sorted_by_its_time_either_way(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    campaign = await world.campaign(sender)
    [late] = await world.emails(sender, campaign, ["b@x.org"], due_in=timedelta(hours=9))
    [soon] = await world.emails(sender, campaign, ["a@x.org"], due_in=timedelta(hours=1))
    html = (await page.get("/emails")).text
    assert listed_in(html) == [str(soon), str(late)]
    assert 'aria-sort="ascending"' in html
    html = (await page.get("/emails?sort=-time")).text
    assert listed_in(html) == [str(late), str(soon)]
    assert 'aria-sort="descending"' in html


async def test_failed_emails_are_found_by_the_reason_and_by_the_readers_days(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    old, new, other = await world.emails(sender, await world.campaign(sender), 3)
    for email, reason, at in (
        (old, "hard_bounce", "2026-03-01T22:59Z"),  # 23:59 in Berlin
        (new, "hard_bounce", "2026-03-01T23:01Z"),  # the next day there
        (other, "expired", "2026-03-02T12:00Z"),
    ):
        await world.execute(
            "UPDATE email_jobs SET state = 'failed', failure_reason = $2, attempt = 1,"
            f" updated_at = '{at}' WHERE email_id = $1",
            email,
            reason,
        )
    html = (await page.get("/emails?tab=failed&reason=hard_bounce")).text
    assert listed_in(html) == [str(new), str(old)]
    assert "Address refused" in html
    html = (await page.get("/emails?tab=failed&from=2026-03-02")).text
    assert listed_in(html) == [str(other), str(new)]
    assert listed_in((await page.get("/emails?tab=failed&to=2026-03-01")).text) == [str(old)]
    assert "All that match" not in words(html)
