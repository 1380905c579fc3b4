from __future__ import annotations

import asyncio
import io
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paceline.domain.recipients import RawRecipient
from paceline.errors import Conflict, InvalidInput, NotFound
from paceline.persistence.standing import Standing
from paceline.services import imports as imports_module
from paceline.services.import_previews import preview
from paceline.services.imports import MAX_ROWS_UNDER_WAY, add_inline
from tests.integration.services.conftest import Desk


async def test_every_row_of_a_file_is_accounted_for(desk: Desk) -> None:
    await desk.suppressions.add(desk.owner, ["gone@example.com"])
    draft = await desk.draft(recipients=[RawRecipient(email="early@example.com")])
    report = await desk.upload(
        draft.id,
        "email,first name\nann@example.com,Ann\nANN@example.com,Ann\nnot-an-address,X\n"
        "gone@example.com,G\nearly@example.com,E\nbob@example.com,Bob\n",
    )
    assert (report.rows, report.accepted, report.duplicates, report.suppressed) == (6, 2, 2, 1)
    assert [(r.line, r.value) for r in report.invalid] == [(4, "not-an-address")]


async def test_who_has_opted_out_in_any_row_gets_nothing_and_is_told(desk: Desk) -> None:
    draft = await desk.draft()
    report = await desk.upload(
        draft.id,
        "email,status\nbo@x.org,subscribed\nann@x.org,subscribed\nBO@x.org,unsubscribed\n",
    )
    emails = await desk.world.fetch("SELECT address FROM emails")
    assert [e["address"] for e in emails] == ["ann@x.org"]
    assert (report.rows, report.accepted, report.left_out) == (3, 1, 2)
    assert [(r.line, r.reason) for r in report.left_out_rows] == [
        (2, "has opted out on another row"),
        (4, "status: unsubscribed"),
    ]
    assert report.shape is not None
    assert [q.parameter for q in report.shape.questions] == ["opted_out"]


async def test_emails_keep_the_order_of_the_file_and_know_their_line(desk: Desk) -> None:
    draft = await desk.draft()
    await desk.upload(draft.id, "z@x.org\ny@x.org\n\nx@x.org\n")
    emails = await desk.world.fetch("SELECT address, line, message_id, id FROM emails ORDER BY id")
    assert [(e["address"], e["line"]) for e in emails] == [
        *(("z@x.org", 1), ("y@x.org", 2)),
        ("x@x.org", 4),
    ]
    assert emails[0]["message_id"] == f"<{emails[0]['id']}@example.com>"


async def test_a_row_that_the_message_cannot_use_is_refused(desk: Desk) -> None:
    draft = await desk.draft(text="Dear {{ first_name }}, {{ city | default('there') }}")
    report = await desk.upload(draft.id, "email,first_name,city\na@x.org,Ann,\nb@x.org,,Rome\n")
    assert report.accepted == 1
    assert [r.reason for r in report.invalid] == ["no value for {{ first_name }}"]


async def test_a_file_without_a_column_that_the_message_uses_is_refused_whole(desk: Desk) -> None:
    draft = await desk.draft(text="Dear {{ first_name }}")
    with pytest.raises(InvalidInput, match=r"\{\{ first_name \}\}.*email, name, vorname"):
        await desk.upload(draft.id, "email,Vorname\na@x.org,Ann\n")


async def test_a_file_that_fails_late_leaves_nothing_behind(desk: Desk) -> None:
    draft = await desk.draft()
    good = "".join(f"u{i}@x.org\n" for i in range(6_000))
    with pytest.raises(InvalidInput, match="more than 10000 rows"):
        await desk.upload(draft.id, good + "x@\n" * 10_001)
    assert await desk.world.fetchval("SELECT count(*) FROM emails") == 0
    assert (await desk.queries.campaign(desk.owner, draft.id)).total == 0


async def test_a_running_campaign_takes_a_few_more_and_its_lane_is_rung(desk: Desk) -> None:
    draft = await desk.draft(recipients=[RawRecipient(email="a@x.org")])
    await desk.campaigns.launch(desk.owner, draft.id)
    desk.bell.rung.clear()
    assert (await desk.upload(draft.id, "b@x.org\n")).accepted == 1
    assert desk.bell.rung == [draft.sender_id]
    many = "".join(f"u{i}@x.org\n" for i in range(MAX_ROWS_UNDER_WAY + 1))
    with pytest.raises(Conflict, match="draft only"):
        await desk.upload(draft.id, many)
    await desk.campaigns.cancel(desk.owner, draft.id)
    with pytest.raises(Conflict, match="no more recipients"):
        await desk.upload(draft.id, "c@x.org\n")


async def test_two_uploads_at_once_add_nobody_twice(desk: Desk) -> None:
    draft = await desk.draft()
    data = "".join(f"u{i}@x.org\n" for i in range(500))
    reports = await asyncio.gather(*(desk.upload(draft.id, data) for _ in range(3)))
    assert sorted(r.accepted for r in reports) == [0, 0, 500]
    assert (await desk.queries.campaign(desk.owner, draft.id)).total == 500


async def test_an_upload_that_its_sender_breaks_off_stores_nothing(desk: Desk) -> None:
    draft = await desk.draft()

    async def broken() -> object:
        yield b"a@x.org\n"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await desk.imports.add_csv(desk.owner, draft.id, broken())  # type: ignore[arg-type]  # an async generator is one
    assert await desk.world.fetchval("SELECT count(*) FROM emails") == 0


async def test_values_are_reported_by_their_place(desk: Desk) -> None:
    draft = await desk.draft()
    raw = [RawRecipient(email="a@x.org"), RawRecipient(email="?"), RawRecipient(email="A@x.org")]
    report = await desk.imports.add(desk.owner, draft.id, raw)
    assert (report.rows, report.accepted, report.duplicates) == (3, 1, 1)
    assert [r.line for r in report.invalid] == [2]


async def test_another_owners_campaign_takes_no_recipients(desk: Desk) -> None:
    draft = await desk.draft()
    with pytest.raises(NotFound):
        await desk.imports.add(uuid.uuid4(), draft.id, [RawRecipient(email="a@x.org")])


ROW = st.sampled_from(
    ["a@x.org", "b@x.org", "A@X.org", "s@x.org", "broken", '"open', "x@y", "c@x.org;d@x.org", ""]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_the_sum_always_comes_out(rows: list[str]) -> None:
    data = "first@x.org\n" + "\n".join(rows)
    seen = preview(io.BytesIO(data.encode()))
    assert seen.rows == seen.usable + seen.duplicates + len(seen.invalid)


@pytest.mark.parametrize("seed", range(5))
async def test_the_sum_comes_out_in_the_database_too(desk: Desk, seed: int) -> None:
    import random

    dice = random.Random(seed)
    await desk.suppressions.add(desk.owner, [f"u{i}@x.org" for i in range(0, 50, 7)])
    draft = await desk.draft()
    total = accepted = 0
    for _ in range(3):
        rows = [dice.choice([f"u{dice.randrange(50)}@x.org", "no", "x@y"]) for _ in range(60)]
        report = await desk.upload(draft.id, "email\n" + "\n".join(rows))
        parts = report.accepted + report.duplicates + report.suppressed + len(report.invalid)
        assert report.rows == 60 == parts
        total += report.rows
        accepted += report.accepted
    assert (await desk.queries.campaign(desk.owner, draft.id)).total == accepted


def test_a_preview_shows_what_an_upload_would_do() -> None:
    seen = preview(io.BytesIO(b"email;Vorname\na@x.org;Ann\na@x.org;Ann\nno;N\n"))
    assert (seen.rows, seen.usable, seen.duplicates, len(seen.invalid)) == (3, 1, 1, 1)
    assert seen.fields == ("email", "name", "vorname")
    assert [recipient.address for recipient in seen.first] == ["a@x.org"]


async def _running(desk: Desk) -> uuid.UUID:
    """A launched campaign whose only email has gone."""
    draft = await desk.draft(recipients=[RawRecipient(email="first@example.com")])
    await desk.campaigns.launch(desk.owner, draft.id)
    await desk.world.execute("UPDATE email_jobs SET state = 'sent', sent_at = now()")
    return draft.id


async def _complete(desk: Desk, campaign_id: uuid.UUID) -> None:
    """What a worker does after a campaign's last email."""
    sender = await desk.world.fetchval("SELECT sender_id FROM campaigns WHERE id = $1", campaign_id)
    await Standing(desk.database).complete_campaigns(sender)


async def test_a_campaign_that_is_completed_while_recipients_are_being_stored_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await _running(desk)
    tasks: list[asyncio.Task[None]] = []

    async def stored_first(*given: Any) -> Any:
        report = await add_inline(*given)
        tasks.append(asyncio.create_task(_complete(desk, campaign_id)))
        await desk.world.until_blocked(1)
        return report

    monkeypatch.setattr(imports_module, "add_inline", stored_first)
    await desk.imports.add(desk.owner, campaign_id, [RawRecipient(email="late@example.com")])
    await tasks[0]
    assert (await desk.queries.campaign(desk.owner, campaign_id)).state == "active"


async def test_a_campaign_that_is_completed_before_recipients_are_stored_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await _running(desk)

    async def completed_first(*given: Any) -> Any:
        await _complete(desk, campaign_id)
        return await add_inline(*given)

    monkeypatch.setattr(imports_module, "add_inline", completed_first)
    await desk.imports.add(desk.owner, campaign_id, [RawRecipient(email="late@example.com")])
    assert (await desk.queries.campaign(desk.owner, campaign_id)).state == "active"


async def test_a_campaign_under_way_takes_recipients_though_a_draft_would_be_refused(
    desk: Desk,
) -> None:
    running, draft = await _running(desk), (await desk.draft()).id
    await desk.world.execute("UPDATE campaigns SET text_body = 'Hi {{ email[:4] }}'")
    ann = [RawRecipient(email="ann@example.com")]
    assert (await desk.imports.add(desk.owner, running, ann)).accepted == 1
    with pytest.raises(InvalidInput, match="a piece of a text"):
        await desk.imports.add(desk.owner, draft, ann)
