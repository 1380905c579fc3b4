"""A real worker, real PostgreSQL and Redis, and an SMTP server that writes everything down."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from paceline.bootstrap.worker import running_worker
from paceline.delivery import MessageTemplate
from paceline.errors import InvalidInput
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")


async def test_two_hundred_recipients_get_exactly_one_email_each(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 200)
    await world.signal(sender)
    await world.until_all_are(ids, "sent")
    assert Counter(t.rcpt_to for t in sink.taken) == {
        f"reader{n}@example.org": 1 for n in range(200)
    }
    assert len({t.message_id for t in sink.taken}) == 200
    assert sink.connections <= 2 * 4  # max_connections is 4; each is used for up to 100 mails


async def test_a_campaign_that_has_sent_everything_is_complete(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 3)
    await world.signal(sender)

    async def complete() -> bool:
        row = (await world.fetch("SELECT * FROM campaigns WHERE id = $1", campaign))[0]
        return row["state"] == "completed" and (row["total"], row["sent"]) == (3, 3)

    await world.until(complete)


async def test_the_email_reads_as_it_was_written(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, subject="Grüße an {{ name }}")
    await world.emails(sender, campaign, ["ada@example.org"])
    await world.signal(sender)
    (taken,) = await sink.wait_for(1)
    assert taken.mail_from == "news@example.com"
    assert str(taken.message["To"]) == "ada <ada@example.org>"
    body = taken.message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().strip() == "Dear ada, this is for ada@example.org."


TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
COUNTED = "".join(f"{{% for {x} in {TEN} %}}" for x in "xyz") + "{% endfor %}" * 3
FIELDS = "".join(f"{{{{ f{n} | default(1) }}}}" for n in range(190))


@pytest.mark.parametrize(
    "part",
    [
        {"text_body": "Dear {{ name[:2] }}"},
        {"subject": COUNTED + "For {{ name }}"},
        {"text_body": "{% if name == '" + "x" * 4_001 + "' %}Dear{% endif %} {{ name }}"},
        {"text_body": "{% if vip | default(0) %}" + FIELDS + "{% endif %}Dear {{ name }}"},
    ],
    ids=["a piece of a text", "a subject with loops", "a long text in a tag", "many fields"],
)
async def test_a_campaign_launched_before_its_template_would_be_refused_is_sent(
    world: World, sink: Sink, part: dict[str, str]
) -> None:
    written = {"subject": "Hello", "text_body": "Hi", **part}
    with pytest.raises(InvalidInput):
        MessageTemplate.compile(subject=written["subject"], text=written["text_body"], html=None)
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, **written)
    await world.emails(sender, campaign, ["ada@example.org"])
    await world.signal(sender)
    (taken,) = await sink.wait_for(1)
    body = taken.message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "ad" in f"{taken.message['Subject']} {body.decode()}"


async def test_a_single_email_is_sent_as_it_stands_braces_and_all(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    await world.emails(sender, None, ["ada@example.org"])
    await world.signal(sender)
    (taken,) = await sink.wait_for(1)
    assert taken.message["Subject"] == "Single {{ brace }}"


async def test_an_email_goes_at_its_time_and_not_before(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await world.emails(sender, None, ["ada@example.org"], due_in=timedelta(seconds=1.5))
    await world.signal(sender)
    (taken,) = await sink.wait_for(1)
    assert taken.at >= begun + 1.5


async def test_the_minimum_delay_is_never_short_and_hardly_longer(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, min_delay_ms=400)
    await world.emails(sender, campaign, 6)
    await world.signal(sender)
    taken = await sink.wait_for(6)
    gaps = [after.at - before.at for before, after in pairwise(taken)]
    assert min(gaps) >= 0.400
    assert sorted(gaps)[len(gaps) // 2] < 2 * 0.400  # no email lets a turn go by
    assert [t.rcpt_to for t in taken] == [f"reader{n}@example.org" for n in range(6)]


async def test_the_minimum_delay_of_a_sender_holds_over_its_campaigns(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port, min_delay_ms=200)
    for _ in range(3):
        await world.emails(sender, await world.campaign(sender), 2)
    await world.signal(sender)
    taken = await sink.wait_for(6)
    assert min(after.at - before.at for before, after in pairwise(taken)) >= 0.200


async def test_at_the_hourly_limit_the_rest_waits_for_the_next_hour_and_says_so(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port, hourly_limit=1)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 2)
    await world.signal(sender)

    async def held() -> bool:
        return bool(
            await world.fetchval(
                """
                SELECT held_by = 'hourly_limit' AND wake_at > now()
                       AND wake_at <= date_trunc('hour', now(), 'UTC') + interval '1 h 1 s'
                  FROM lanes WHERE sender_id = $1
                """,
                sender,
            )
        )

    await world.until(held)
    assert await world.states(ids) == ["sent", "scheduled"]
    assert len(sink.taken) == 1


async def test_a_campaign_at_its_limit_makes_no_other_email_late(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port)
    limited = await world.campaign(sender, hourly_limit=1)
    await world.emails(sender, limited, 2)
    later = await world.emails(sender, None, ["later@example.org"], due_in=timedelta(seconds=1))
    await world.signal(sender)
    await sink.wait_for(2, within=5)
    await world.until_all_are(later, "sent")


async def test_a_raised_limit_lets_the_rest_go_at_once(world: World, sink: Sink) -> None:
    sender = await world.sender(port=sink.port, hourly_limit=1)
    ids = await world.emails(sender, None, 3)
    await world.signal(sender)
    await sink.wait_for(1)
    await world.execute("UPDATE senders SET hourly_limit = 3 WHERE id = $1", sender)
    await world.signal(sender)
    await world.until_all_are(ids, "sent")


async def test_an_earlier_email_wakes_a_lane_that_sleeps_for_a_later_one(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port)
    await world.emails(sender, None, ["late@example.org"], due_in=timedelta(hours=1))
    await world.signal(sender)
    await world.emails(sender, None, ["early@example.org"])
    await world.signal(sender)
    (taken,) = await sink.wait_for(1)
    assert taken.rcpt_to == "early@example.org"


async def test_a_refusal_for_now_defers_and_keeps_the_reply(world: World, sink: Sink) -> None:
    sink.at_rcpt = lambda _: "451 4.7.1 greylisted, come back"
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 1)
    await world.signal(sender)
    await world.until_all_are(ids, "deferred")
    (row,) = await world.fetch("SELECT *, due_at - now() AS wait FROM email_jobs")
    assert (row["reply_code"], row["reply_enhanced"]) == (451, "4.7.1")
    assert row["reply_text"] == "greylisted, come back"
    assert timedelta(minutes=4, seconds=55) < row["wait"] <= timedelta(minutes=7, seconds=30)


async def test_an_email_older_than_its_campaign_allows_is_given_up(
    world: World, sink: Sink
) -> None:
    sink.at_rcpt = lambda _: "451 4.3.0 later"
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender, expires_after_hours=2)
    ids = await world.emails(sender, campaign, 1)
    # It was tried four hours ago for the first time, and has been refused ever since.
    await world.execute("UPDATE email_jobs SET dated_at = now() - interval '4 h', deferrals = 5")
    await world.signal(sender)
    await world.until_all_are(ids, "failed")
    assert await world.fetchval("SELECT failure_reason FROM email_jobs") == "expired"


async def test_an_email_that_had_to_wait_for_its_sender_is_not_too_old(
    world: World, sink: Sink
) -> None:
    sink.at_rcpt = lambda _: "451 4.3.0 later"
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, await world.campaign(sender, expires_after_hours=2), 1)
    # As of a large campaign with a small hourly limit, and a quota met on the way.
    await world.execute(
        "UPDATE email_jobs SET scheduled_at = now() - interval '9 h',"
        " dated_at = now() - interval '8 h'"
    )
    await world.signal(sender)
    await world.until_all_are(ids, "deferred")


async def test_a_refusal_for_good_fails_and_keeps_the_reply(world: World, sink: Sink) -> None:
    sink.at_rcpt = lambda to: "550 5.1.1 no such user" if to.startswith("gone") else None
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, ["gone@example.org", "here@example.org"])
    await world.signal(sender)
    await sink.wait_for(1)

    async def settled() -> bool:
        return await world.states(ids) == ["failed", "sent"]

    await world.until(settled)
    row = (await world.fetch("SELECT * FROM email_jobs WHERE state = 'failed'"))[0]
    assert (row["failure_reason"], row["reply_code"]) == ("hard_bounce", 550)
    assert await world.fetchval("SELECT address_key FROM suppressions") == "gone@example.org"


async def test_a_refused_log_in_stops_the_sender_and_fails_nobody(
    world: World, sink: Sink, settings: Settings
) -> None:
    assert settings.given_secrets is not None
    sink.at_auth = lambda _: "535 5.7.8 wrong password"
    sender = await world.sender(port=sink.port)
    await bootstrap_password(world, sender, settings)
    ids = await world.emails(sender, None, 5)
    await world.signal(sender)

    async def broken() -> bool:
        row = (await world.fetch("SELECT * FROM senders WHERE id = $1", sender))[0]
        return row["state"] == "broken" and "wrong password" in row["state_reason"]

    await world.until(broken)
    await world.until_all_are(ids, "scheduled")
    assert not sink.taken
    # Mended, it goes on.
    sink.at_auth = lambda _: None
    await world.execute("UPDATE senders SET state = 'active', updated_at = now()")
    await world.signal(sender)
    await world.until_all_are(ids, "sent")


async def test_the_wrong_kind_of_tls_stops_the_sender_with_what_to_choose_and_fails_nobody(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port, smtp_security="tls")
    ids = await world.emails(sender, None, 5)
    await world.signal(sender)

    async def broken() -> bool:
        row = (await world.fetch("SELECT * FROM senders WHERE id = $1", sender))[0]
        return row["state"] == "broken" and "choose STARTTLS" in row["state_reason"]

    await world.until(broken)
    await world.until_all_are(ids, "scheduled")
    assert not sink.taken


async def bootstrap_password(world: World, sender: uuid.UUID, settings: Settings) -> None:
    from paceline.auth.secretbox import SecretBox, smtp_password_label

    assert settings.given_secrets is not None
    label = smtp_password_label(owner_id=world.owner_id, sender_id=sender)
    sealed = SecretBox(settings.given_secrets.key).seal("secret", label=label)
    await world.execute(
        "UPDATE senders SET smtp_username = 'ada', smtp_password = $2 WHERE id = $1",
        sender,
        sealed,
    )


async def test_a_refusal_by_policy_rests_the_sender_and_several_in_a_row_stop_it(
    world: World, sink: Sink
) -> None:
    sink.at_dot = lambda to: None if to == "reader1@example.org" else "550 5.7.1 looks like spam"
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 8)

    async def resting() -> bool:
        row = (await world.fetch("SELECT * FROM senders WHERE id = $1", sender))[0]
        return row["resting_until"] is not None and "looks like spam" in row["state_reason"]

    async def broken() -> bool:
        row = (await world.fetch("SELECT * FROM senders WHERE id = $1", sender))[0]
        return row["state"] == "broken" and "looks like spam" in row["state_reason"]

    await world.signal(sender)
    for _ in range(3):
        await world.until(resting)
        await world.execute("UPDATE senders SET resting_until = NULL WHERE id = $1", sender)
        await world.signal(sender)
    await world.until(broken)
    # One refusal, one acceptance, then three refusals in a row; the others keep waiting.
    assert await world.states(ids) == ["failed", "sent", *["failed"] * 3, *["scheduled"] * 3]
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0


async def test_an_email_that_a_busy_mailbox_sends_away_is_tried_when_that_says(
    world: World, sink: Sink
) -> None:
    sink.at_rcpt = lambda to: "550 5.2.1 Mailbox busy, try again in 40 seconds"
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, 1)
    await world.signal(sender)
    await world.until_all_are(ids, "deferred")
    wait = await world.fetchval("SELECT due_at - now() FROM email_jobs")
    assert timedelta(seconds=10) < wait < timedelta(minutes=1)
    assert await world.fetchval("SELECT count(*) FROM suppressions") == 0


REFUSED_RECIPIENT = "554 5.7.1 <x@example.org>: Recipient address rejected: Access denied"


@pytest.mark.parametrize("refused", [range(5), range(20, 40)], ids=["at first", "later"])
async def test_recipients_who_refuse_a_sender_by_policy_do_not_stop_it(
    world: World, sink: Sink, refused: range
) -> None:
    unwilling = {f"reader{number}@example.org" for number in refused}
    sink.at_rcpt = lambda to: REFUSED_RECIPIENT if to in unwilling else None
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 42)
    await world.signal(sender)
    await world.until_all_are([ids[number] for number in refused], "failed")
    await world.until_all_are([ids[n] for n in range(42) if n not in refused], "sent")
    assert await world.fetch("SELECT state, state_reason, host_failures FROM senders") == [
        {"state": "active", "state_reason": None, "host_failures": 0}
    ]


async def test_a_policy_that_refuses_every_recipient_stops_the_sender(
    world: World, sink: Sink
) -> None:
    sink.at_rcpt = lambda to: REFUSED_RECIPIENT
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 12)
    await world.signal(sender)

    async def broken() -> bool:
        return bool(await world.fetchval("SELECT state = 'broken' FROM senders"))

    await world.until(broken)
    assert await world.states(ids) == ["failed"] * 10 + ["scheduled"] * 2
    assert "for every recipient" in await world.fetchval("SELECT state_reason FROM senders")


async def test_a_policy_that_comes_to_refuse_every_recipient_stops_the_sender_after_a_long_row(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.sending.resting.PLAIN_REFUSALS", 12)
    sink.at_rcpt = lambda to: None if to == "reader0@example.org" else REFUSED_RECIPIENT
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 15)
    await world.signal(sender)

    async def broken() -> bool:
        return bool(await world.fetchval("SELECT state = 'broken' FROM senders"))

    await world.until(broken)
    assert await world.states(ids) == ["sent", *["failed"] * 12, *["scheduled"] * 2]


@pytest.mark.parametrize("last", ["550 no", None])
async def test_a_long_row_of_refusals_without_a_reason_stops_the_sender(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch, last: str | None
) -> None:
    monkeypatch.setattr("paceline.sending.resting.PLAIN_REFUSALS", 4)
    sink.at_dot = lambda to: last if to == "reader3@example.org" else "550 no"
    sender = await world.sender(port=sink.port, max_connections=1)
    ids = await world.emails(sender, None, 6)
    await world.signal(sender)
    if last is None:  # an acceptance in between: it is about the emails
        await world.until_all_are(ids[:3] + ids[4:], "failed")
        assert await world.fetchval("SELECT state FROM senders") == "active"
        return

    async def broken() -> bool:
        return bool(await world.fetchval("SELECT state = 'broken' FROM senders"))

    await world.until(broken)
    assert await world.states(ids) == ["failed"] * 4 + ["scheduled"] * 2
    reason = await world.fetchval("SELECT state_reason FROM senders")
    assert reason == "4 emails in a row were refused: no"


async def test_a_server_that_is_away_puts_the_sender_to_sleep_and_uses_up_no_try(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=1)  # nobody listens there
    ids = await world.emails(sender, None, 3)
    await world.signal(sender)

    async def resting() -> bool:
        return bool(
            await world.fetchval("SELECT resting_until > now() FROM senders WHERE id = $1", sender)
        )

    await world.until(resting)
    await world.until_all_are(ids, "scheduled")
    assert await world.fetchval("SELECT max(deferrals) FROM email_jobs") == 0
    assert await world.fetchval("SELECT unreached_since FROM senders") is not None


async def test_a_connection_lost_after_the_dot_is_in_doubt_and_not_sent_again(
    world: World, sink: Sink
) -> None:
    sink.at_dot = lambda to: "drop" if to.startswith("doubt") else None
    sender = await world.sender(port=sink.port)
    ids = await world.emails(sender, None, ["doubt@example.org", "sure@example.org"])
    await world.signal(sender)

    async def settled() -> bool:
        return await world.states(ids) == ["in_doubt", "sent"]

    await world.until(settled)
    assert Counter(t.rcpt_to for t in sink.taken) == {
        "doubt@example.org": 1,
        "sure@example.org": 1,
    }


async def test_twenty_emails_beside_a_thousand_do_not_wait_for_them(
    world: World, sink: Sink
) -> None:
    sender = await world.sender(port=sink.port)
    large = await world.campaign(sender, name="large")
    small = await world.campaign(sender, name="small")
    await world.emails(sender, large, 1000)
    await world.emails(sender, small, [f"small{n}@example.org" for n in range(20)])
    await world.signal(sender)
    taken = await sink.wait_for(1020, within=120)
    order = [t.rcpt_to.startswith("small") for t in taken]
    assert max(place for place, is_small in enumerate(order) if is_small) < 256


async def test_a_second_worker_shares_the_lanes(
    world: World, sink: Sink, settings: Settings, black_boxes: Path
) -> None:
    senders = [await world.sender(port=sink.port) for _ in range(12)]
    async with running_worker(settings, black_boxes=black_boxes) as second:
        ids = []
        for sender in senders:
            ids += await world.emails(sender, None, 20)
            await world.signal(sender)
        await world.until_all_are(ids, "sent")
        await second.stop()
    assert len(sink.taken) == len({t.message_id for t in sink.taken}) == 240
    assert await world.fetchval("SELECT count(DISTINCT worker_run) FROM attempts") == 2
