"""One email: each view of it harmless, its whole story, and what can be done while it waits."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx2
import pytest

from paceline.auth.acting import acting
from paceline.services.campaigns import CampaignPatch
from paceline.web import Parts
from tests.integration.web.conftest import BASE_URL, FRAGMENT, words
from tests.integration.web.test_dashboard import IN_DOUBT
from tests.world import World

HOSTILE = "</pre><script>top.location='//evil.test'</script><img src=//evil.test/x onerror=go()>"
ATTEMPT = """
    INSERT INTO attempts (email_id, attempt, sender_id, worker_run, outcome, phase, reply_code,
                          reply_enhanced, reply_text, ended_at)
    SELECT email_id, $2, sender_id, email_id, $3, $4, $5, $6, $7, now()
      FROM email_jobs WHERE email_id = $1
"""
TOMORROW = datetime.now(UTC) + timedelta(days=1)
VIEWS = ("html", "text", "headers", "source")


async def one(world: World, *, single: bool = False, **columns: object) -> uuid.UUID:
    sender = await world.sender()
    campaign = None if single else await world.campaign(sender, **columns)
    [email] = await world.emails(sender, campaign, ["ada@example.org"], due_in=timedelta(hours=1))
    return email


@pytest.mark.parametrize("view", VIEWS)
async def test_no_view_of_a_hostile_email_can_run_or_load_anything(
    page: httpx2.AsyncClient, world: World, view: str
) -> None:
    email = await one(world, subject=HOSTILE, text_body=HOSTILE, html_body=f"<p>Hi</p>{HOSTILE}")
    frame = await page.get(f"/emails/{email}/body", params={"view": view})
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    if view != "html":
        assert "<script" not in frame.text
        assert "<img" not in frame.text
    for path in ("", "/view", "/detail"):
        shown = (await page.get(f"/emails/{email}{path}", params={"view": view})).text
        assert "<script>" not in shown
        assert "<img src=//" not in shown
        for tag in re.findall(r"<iframe[^>]*>", shown):
            assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in tag
            assert f'src="/emails/{email}/body?view={view}"' in tag


async def test_the_views_show_what_goes_to_the_server(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, html_body="<p>Hi {{ name }}</p>")
    shown = {
        view: (await page.get(f"/emails/{email}/body", params={"view": view})).text
        for view in VIEWS
    }
    assert "<p>Hi ada</p>" in shown["html"]
    assert "Dear ada, this is for ada@example.org." in shown["text"]
    assert "Subject: Hello ada" in shown["headers"]
    assert "Dear ada" not in shown["headers"]
    assert "Content-Type: multipart/alternative" in shown["source"]
    assert "Dear ada" in shown["source"]
    made_up = await page.get(f"/emails/{email}/body", params={"view": "made up"})
    assert made_up.text == shown["html"]


async def test_a_single_email_is_shown_as_it_was_written(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, single=True)
    await world.execute(
        "UPDATE emails SET subject = 'As {{ is }}', html_body = NULL, text_body = 'Just {{ this }}'"
    )
    source = (await page.get(f"/emails/{email}/body", params={"view": "source"})).text
    assert "Subject: As {{ is }}" in source
    assert "Just {{ this }}" in source
    views = re.findall(
        rf'href="/emails/{email}\?view=(\w+)"', (await page.get(f"/emails/{email}")).text
    )
    assert views == ["text", "headers", "source"]


async def test_the_views_are_links_that_need_no_script(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, html_body="<p>Hi</p>")
    html = (await page.get(f"/emails/{email}")).text
    assert re.findall(rf'href="/emails/{email}\?view=(\w+)"', html) == list(VIEWS)
    source = (await page.get(f"/emails/{email}", params={"view": "source"})).text
    assert f'src="/emails/{email}/body?view=source"' in source
    assert "What is added as it is sent is not in it" in words(source)


async def test_a_message_that_cannot_be_put_together_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, text_body="Dear {{ nickname }}")
    for view in ("source", "headers"):
        frame = await page.get(f"/emails/{email}/body", params={"view": view})
        assert "a merge field of its message has no value" in frame.text
    assert "Dear {{ nickname }}" in (await page.get(f"/emails/{email}/body")).text


async def test_the_story_tells_who_decided_what_and_what_the_server_said(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    await world.execute(ATTEMPT, email, 1, "rejected", "rcpt", 451, "4.7.1", "<b>greylisted</b>")
    await world.execute(ATTEMPT, email, 2, "retried", None, None, None, None)
    await world.execute(ATTEMPT, email, 3, "in_doubt", "dot", None, None, None)
    await world.execute(IN_DOUBT, email)
    await page.post(f"/emails/{email}/resolve", data={"resolution": "sent"})
    html = (await page.get(f"/emails/{email}")).text
    text = words(html[html.index('class="pl-timeline') :])
    steps = ("Scheduled", "Attempt 1", "To be tried again", "Attempt 2", "Marked as sent")
    assert [text.index(step) for step in steps] == sorted(text.index(step) for step in steps)
    assert "at rcpt: 451 4.7.1 &lt;b&gt;greylisted&lt;/b&gt; Decided by the mail server" in text
    assert "Connection lost after the email was handed over" in text
    assert "Decided by nobody: no answer came" in text
    assert re.search(r"Marked as sent .* Decided by you", text)


async def test_what_was_said_is_folded_under_its_attempt_and_stays_as_it_is_in_a_poll(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    await world.execute(ATTEMPT, email, 1, "rejected", "rcpt", 451, "4.7.1", "greylisted")
    await world.execute(ATTEMPT, email, 2, "rejected", "rcpt", 451, "4.7.1", "greylisted")
    said = "> RCPT TO:<ada@example.org>\n< 451 4.7.1 <b>greylisted</b>"
    await world.execute("INSERT INTO attempt_dialogues VALUES ($1, 2, $2)", email, said)
    html = (await page.get(f"/emails/{email}/detail", headers=FRAGMENT)).text
    (folded,) = re.findall(r"<details[^>]*>.*?</details>", html, re.DOTALL)
    assert f'id="attempt-2-{email}" hx-morph-skip' in folded
    assert "Server’s dialogue" in folded
    assert said in unescape(folded)
    assert "<b>" not in folded


@pytest.mark.parametrize(
    ("detail", "by"),
    [
        ('{"rule": "campaign"}', "the rule of its campaign for doubts"),
        ('{"rule": "server"}', "Paceline: its server drops a second copy by itself"),
    ],
)
async def test_the_story_tells_which_rule_had_a_doubt_sent_again(
    page: httpx2.AsyncClient, world: World, detail: str, by: str
) -> None:
    email = await one(world)
    await world.execute(ATTEMPT, email, 1, "in_doubt", "dot", None, None, None)
    await world.execute(
        "INSERT INTO email_decisions (email_id, what, detail) VALUES ($1, 'sent_again', $2)",
        email,
        detail,
    )
    await world.execute(ATTEMPT, email, 2, "rejected", "rcpt", 451, None, "later")
    text = words((await page.get(f"/emails/{email}")).text)
    assert re.search(f"Attempt 1 .* To be sent again .* Decided by {by} Attempt 2", text)
    assert text.count("To be sent again") == 1


async def test_the_story_tells_what_was_decided_about_many_at_once(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    for form in ({"action": "reschedule", "at": "2030-01-15T10:30"}, {"action": "cancel"}):
        await page.post("/emails/bulk", data={"selected": str(email), **form})
    text = words((await page.get(f"/emails/{email}")).text)
    assert re.search(r"Scheduled .* Moved .* Decided by you Cancelled .* Decided by you", text)


async def test_one_that_was_cancelled_with_its_campaign_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    (campaign,) = [row["id"] for row in await world.fetch("SELECT id FROM campaigns")]
    await page.post(f"/campaigns/{campaign}/cancel")
    text = words((await page.get(f"/emails/{email}")).text)
    assert re.search(r"Cancelled with its campaign .* Decided by you", text)
    assert text.count("Cancelled with") == 1
    await world.execute("DELETE FROM audit_log")  # of a year ago
    text = words((await page.get(f"/emails/{email}")).text)
    assert "Decided by you, with its campaign" in text


async def launched(world: World, page: httpx2.AsyncClient) -> uuid.UUID:
    """The id of a campaign of two, launched on the page; its first one was tried since."""
    sender = await world.sender()
    campaign = await world.campaign(sender, state="draft", start_at=TOMORROW)
    first, _ = await world.emails(sender, campaign, 2, due_in=timedelta(days=1))
    await page.post(f"/campaigns/{campaign}/launch")
    await world.execute(ATTEMPT, first, 1, "not_sent", "rcpt", 451, "4.7.1", "later")
    await world.execute("UPDATE email_jobs SET state = 'deferred' WHERE email_id = $1", first)
    return campaign


async def test_the_story_tells_what_was_decided_about_all_of_its_campaign(
    page: httpx2.AsyncClient, world: World, parts: Parts
) -> None:
    campaign = await launched(world, page)
    ids = [row["id"] for row in await world.fetch("SELECT id FROM emails ORDER BY id")]
    await page.post(f"/campaigns/{campaign}/pause")
    with acting("Grace"):
        later = CampaignPatch(start_at=datetime(2030, 1, 15, 9, 30, tzinfo=UTC))
        await parts.campaigns.patch(world.owner_id, campaign, later)
    await page.post(f"/campaigns/{campaign}/resume")
    tried, untried = [words((await page.get(f"/emails/{each}")).text) for each in ids]
    assert re.search(
        "Scheduled .* Launched with its campaign .* Decided by you Paused with its campaign .*"
        " Decided by you Moved with its campaign .* for .*2030.* Decided by Grace"
        " Resumed with its campaign .* Decided by you",
        untried,
    )
    assert "Moved" not in tried.replace("moved to", "")
    assert "Paused with its campaign" in tried
    assert await world.fetchval("SELECT count(*) FROM email_decisions") == 0


async def test_what_was_decided_before_an_email_was_there_or_after_it_left_is_not_its_story(
    page: httpx2.AsyncClient, world: World
) -> None:
    campaign = await launched(world, page)
    await page.post(f"/campaigns/{campaign}/pause")
    sender = await world.fetchval("SELECT sender_id FROM campaigns")
    (added,) = await world.emails(sender, campaign, ["late@example.org"])
    gone = await world.fetchval("SELECT min(id::text)::uuid FROM emails")
    await world.execute(
        "UPDATE email_jobs SET state = 'sent', sent_at = now() - interval '1 hour'"
        " WHERE email_id = $1",
        gone,
    )
    for email in (added, gone):
        assert "Paused with" not in words((await page.get(f"/emails/{email}")).text)


async def test_what_each_way_out_of_a_doubt_risks_is_said_before(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    await world.execute(IN_DOUBT, email)
    text = words((await page.get(f"/emails/{email}")).text)
    assert "If it did not arrive, they never get it." in text
    assert "If it did arrive, ada@example.org gets it twice" in text


async def test_an_email_that_waits_is_moved_to_another_time(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    assert f"/emails/{email}/move" in (await page.get(f"/emails/{email}")).text
    html = (await page.get(f"/emails/{email}/move")).text
    assert "In Europe/Berlin" in html
    form = dict(re.findall(r'name="(version|once)" value="([^"]*)"', html))
    done = await page.post(f"/emails/{email}/move", data=form | {"start": "2030-01-15T10:30"})
    assert done.headers["Location"] == f"/emails/{email}"
    due = await world.fetchval("SELECT due_at FROM email_jobs")
    assert due == datetime(2030, 1, 15, 9, 30, tzinfo=UTC)


async def test_one_that_was_cancelled_while_it_was_edited_says_so_and_keeps_what_was_typed(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    typed = await form_to_change(page, email) | {"to_name": "Kept"}
    assert (await page.post(f"/emails/{email}/cancel")).status_code == 303
    refused = await page.post(f"/emails/{email}/edit", data=typed)
    assert "It was cancelled meanwhile" in words(refused.text)
    assert 'value="Kept"' in refused.text
    for way in ("edit", "move"):
        shown = words((await page.get(f"/emails/{email}/{way}")).text)
        assert "it was cancelled" in shown


async def test_a_time_that_makes_no_sense_or_that_somebody_else_chose_moves_nothing(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    before = await world.fetchval("SELECT due_at FROM email_jobs")
    for start, said in (("soon", "Choose a date and a time."), ("2020-01-01T10:00", "has passed")):
        refused = await page.post(f"/emails/{email}/move", data={"start": start})
        assert refused.status_code == 422
        assert said in words(refused.text)
        assert f'value="{start}"' in refused.text
    late = {"start": "2030-01-15T10:30", "version": "0" * 16}
    refused = await page.post(f"/emails/{email}/move", data=late)
    assert refused.status_code == 422
    assert "It was changed meanwhile" in words(refused.text)
    assert await world.fetchval("SELECT due_at FROM email_jobs") == before


async def test_what_was_tried_already_or_is_of_a_draft_is_not_moved(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, state="draft")
    assert f"/emails/{email}/move" not in (await page.get(f"/emails/{email}")).text
    form = {"start": "2030-01-15T10:30"}
    assert (await page.post(f"/emails/{email}/move", data=form)).status_code == 409
    await world.execute("UPDATE campaigns SET state = 'active'")
    await world.execute(IN_DOUBT, email)
    assert "cannot be moved any more" in words((await page.get(f"/emails/{email}/move")).text)
    assert (await page.post(f"/emails/{email}/move", data=form)).status_code == 409


async def form_to_change(page: httpx2.AsyncClient, email: uuid.UUID) -> dict[str, str]:
    """What its lines hold, and what is hidden in it."""
    html = (await page.get(f"/emails/{email}/edit")).text
    start = html.index(f'action="/emails/{email}/edit"')
    inputs = re.findall(r"<input[^>]*>", html[start : html.index("</form>", start)])
    given = [dict(re.findall(r' (name|value)="([^"]*)"', tag)) for tag in inputs]
    return {each["name"]: each["value"] for each in given}


async def test_an_email_of_a_campaign_is_changed_on_a_page_and_its_story_says_so(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, text_body="In {{ city }}")
    await world.execute("""UPDATE emails SET fields = '{"city": "Rome", "plan": "a"}'""")
    assert f'href="/emails/{email}/edit"' in (await page.get(f"/emails/{email}")).text
    form = await form_to_change(page, email)
    assert form["to"] == "ada@example.org"
    assert (form["field-city"], form["field-plan"]) == ("Rome", "a")
    assert "subject" not in form
    typed = form | {"to": "ida@example.org", "field-city": "Oslo", "field-plan": ""}
    done = await page.post(f"/emails/{email}/edit", data=typed)
    assert done.headers["Location"] == f"/emails/{email}"
    text = words((await page.get(f"/emails/{email}")).text)
    assert "Address: ada@example.org → ida@example.org" in text
    assert "city: Rome → Oslo" in text
    assert "plan: a → nothing" in text
    assert re.search(r"Changed .* Decided by you", text)
    assert await world.fetchval("SELECT fields FROM emails") == '{"city": "Oslo"}'


async def test_a_single_email_is_changed_with_its_message(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, single=True)
    form = await form_to_change(page, email)
    assert form["subject"] == "Single {{ brace }}"
    typed = form | {"subject": "Anew", "text": "Other", "html": "<p>Other</p>"}
    assert (await page.post(f"/emails/{email}/edit", data=typed)).status_code == 303
    (row,) = await world.fetch("SELECT subject, text_body, html_body FROM emails")
    assert row == {"subject": "Anew", "text_body": "Other", "html_body": "<p>Other</p>"}
    text = words((await page.get(f"/emails/{email}")).text)
    assert "Subject: Single {{ brace }} → Anew Text: another one HTML: another one" in text


async def test_a_change_that_is_refused_says_what_where_and_keeps_what_was_typed(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, text_body="In {{ city }}")
    await world.execute("""UPDATE emails SET fields = '{"city": "Rome"}'""")
    form = await form_to_change(page, email)
    typed = form | {"to": "nobody", "field-city": "", "to_name": "Kept"}
    refused = await page.post(f"/emails/{email}/edit", data=typed)
    assert refused.status_code == 422
    assert 'value="Kept"' in refused.text
    assert 'value="nobody"' in refused.text
    assert 'href="#to"' in refused.text
    outdated = form | {"to": "ida@example.org", "version": "0" * 16}
    answer = await page.post(f"/emails/{email}/edit", data=outdated)
    assert "It was changed meanwhile" in words(answer.text)
    missing = await page.post(f"/emails/{email}/edit", data=form | {"field-city": ""})
    assert "is missing, and the message uses {{ city }}." in words(missing.text)
    assert 'href="#field-city"' in missing.text
    unclean = await page.post(f"/emails/{email}/edit", data=form | {"field-city": "A\x01"})
    assert 'href="#field-city"' in unclean.text
    assert "holds control characters, or over 64 KiB." in words(unclean.text)


async def test_what_has_begun_says_that_it_cannot_be_changed_any_more(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world)
    form = await form_to_change(page, email)
    await world.execute(IN_DOUBT, email)
    assert "cannot be changed any more" in words((await page.get(f"/emails/{email}/edit")).text)
    refused = await page.post(f"/emails/{email}/edit", data=form | {"to": "ida@example.org"})
    assert refused.status_code == 422
    assert 'value="ida@example.org"' in refused.text
    without_version = {"to": "ida@example.org"}
    refused = await page.post(f"/emails/{email}/edit", data=without_version)
    assert "an email that is in_doubt cannot be changed" in words(refused.text)


async def test_a_copy_is_a_draft_of_what_the_email_said_to_the_same_person(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, text_body="In {{ city }}", html_body="<p>In {{ city }}</p>")
    await world.execute("""UPDATE emails SET name = 'Ada "A"', fields = '{"city": "{{ Rome }}"}'""")
    await world.execute(IN_DOUBT, email)
    html = (await page.get(f"/emails/{email}")).text
    once = re.search(
        rf'action="/emails/{email}/copy".*?name="once" value="([^"]*)"', html, re.DOTALL
    )
    assert once is not None
    copied = [await page.post(f"/emails/{email}/copy", data={"once": once[1]}) for _ in range(2)]
    (path,) = {answer.headers["Location"] for answer in copied}
    composed = unescape((await page.get(path)).text)
    assert 'value="Hello Ada "A""' in composed
    assert "<p>In {% raw %}{{{% endraw %} Rome }}</p>" in composed
    assert '"Ada \\"A\\"" <ada@example.org></textarea>' in composed
    review = words((await page.get(f"{path}/review")).text)
    assert "Will be sent 1 email" in review
    assert await world.fetchval("SELECT count(*) FROM drafts") == 1


async def test_a_copy_of_what_cannot_be_filled_in_keeps_its_merge_fields(
    page: httpx2.AsyncClient, world: World
) -> None:
    email = await one(world, text_body="Dear {{ nickname }}")
    path = (await page.post(f"/emails/{email}/copy")).headers["Location"]
    assert "Dear {{ nickname }}</textarea>" in (await page.get(path)).text


async def test_the_poll_leaves_the_frame_alone(page: httpx2.AsyncClient, world: World) -> None:
    email = await one(world)
    assert "<iframe" not in (await page.get(f"/emails/{email}/detail", headers=FRAGMENT)).text


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        *(
            ("GET", rest)
            for rest in ("", "/detail", "/view", "/body", "/body?view=source", "/move", "/edit")
        ),
        *(("POST", rest) for rest in ("/cancel", "/retry", "/resolve", "/move", "/edit", "/copy")),
    ],
)
async def test_nobody_sees_or_does_anything_to_the_email_of_somebody_else(
    other_page: httpx2.AsyncClient, world: World, method: str, rest: str
) -> None:
    email = await one(world)
    form = {"start": "2030-01-15T10:30", "resolution": "sent"}
    data = form if method == "POST" else None
    answer = await other_page.request(method, f"/emails/{email}{rest}", data=data)
    assert answer.status_code == 404
    assert await world.states([email]) == ["scheduled"]


@pytest.mark.parametrize("single", [True, False], ids=["single", "of a campaign"])
async def test_an_email_whose_content_was_removed_says_since_when(
    page: httpx2.AsyncClient, world: World, single: bool
) -> None:
    email = await one(world, single=single)
    await world.execute(
        """
        UPDATE email_jobs SET state = 'failed', failure_reason = 'rejected',
               content_removed_at = '2026-03-01T10:00Z', attempts_removed_at = '2026-03-02T10:00Z'
        """
    )
    shown = words((await page.get(f"/emails/{email}")).text)
    assert "What it said was removed" in shown
    assert "What was tried, and decided about it alone, was removed" in shown
    assert "Try again" not in shown
    assert "Copy to a new message" not in shown
    assert (await page.get(f"/emails/{email}/body")).status_code == 200


async def test_the_sidebar_of_an_emails_page_follows_it_into_another_list(
    page: httpx2.AsyncClient, world: World
) -> None:
    sender = await world.sender()
    [email] = await world.emails(sender, None, 1)
    html = (await page.get(f"/emails/{email}")).text
    (asks,) = re.findall(r'hx-get="(/emails/[^"]+/detail[^"]*)"', html)
    for address in (asks, f"/emails/{email}/detail"):
        assert 'id="nav"' not in (await page.get(address, headers=FRAGMENT)).text
    on_its_page = FRAGMENT | {"HX-Current-URL": f"{BASE_URL}/emails/{email}"}
    answer = await page.post(f"/emails/{email}/cancel", headers=on_its_page)
    for told in (answer.text, (await page.get(asks, headers=FRAGMENT)).text):
        marked = re.findall(r'href="([^"]+)" aria-current="page"', told)
        assert marked == ["/emails?tab=cancelled"]
    assert 'id="nav"' not in (await page.get(f"/emails/{email}/detail", headers=FRAGMENT)).text
