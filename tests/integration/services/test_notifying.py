"""People are told of what happens, each thing once, whatever dies and whatever a receiver does."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from paceline.auth.secretbox import SecretBox
from paceline.domain.lifecycle import SenderState
from paceline.domain.notifications import MAX_TRIES, Kind
from paceline.errors import InvalidInput
from paceline.persistence.stores import notifications as store
from paceline.services import notification_hook as hook
from paceline.services.notification_settings import NotificationChoices, Wanted
from paceline.services.notifying import Notifying
from tests.certificates import certify
from tests.hook_receiver import HookReceiver
from tests.integration.services.conftest import Desk
from tests.world import SECRET_KEY

BASE_URL = "https://mail.example"
LONG_AGO = "now() - interval '1 hour'"


@dataclass
class Told:
    """An owner who wants to be told, and who tells them."""

    desk: Desk
    receiver: HookReceiver
    choices: NotificationChoices
    notifying: Notifying

    def another(self, **values: Any) -> Notifying:
        return Notifying(
            self.desk.database,
            self.desk.meter,
            self.desk.emails,
            SecretBox(SECRET_KEY),
            **{
                "base_url": BASE_URL,
                "allow_private_hosts": True,
                "stalled_for_seconds": 0.0,
                **values,
            },
        )

    async def want(self, **values: Any) -> None:
        wanted = {"hook_url": self.receiver.url, **values}
        await self.choices.keep(self.desk.owner, Wanted(**wanted))

    async def messages(self) -> list[dict[str, Any]]:
        return await self.desk.world.fetch("SELECT * FROM notification_messages ORDER BY id")

    async def in_time(self) -> None:
        """As if what is to be tried later were due."""
        await self.desk.world.execute("UPDATE notification_messages SET next_try_at = now()")

    async def later(self) -> None:
        """As if a day had passed since anything was told."""
        await self.desk.world.execute(
            "UPDATE notifications SET found_at = found_at - interval '25 hours'"
        )


@pytest.fixture
async def told(desk: Desk, receiver: HookReceiver) -> Told:
    box = SecretBox(SECRET_KEY)
    choices = NotificationChoices(desk.database, desk.emails, box, allow_private_hosts=True)
    told = Told(desk, receiver, choices, notifying=None)  # type: ignore[arg-type]  # in a moment
    told.notifying = told.another()
    return told


async def finished(told: Told, name: str = "Spring", **columns: Any) -> uuid.UUID:
    """A campaign that is done."""
    world = told.desk.world
    sender = await world.sender()
    values = {"state": "completed", "total": 5, "sent": 3, "failed": 1, **columns}
    campaign = await world.campaign(sender, name=name, **values)
    await world.execute("UPDATE campaigns SET finished_at = now() WHERE id = $1", campaign)
    return campaign


async def broken(told: Told, name: str = "News") -> uuid.UUID:
    return await told.desk.world.sender(name=name, state=SenderState.BROKEN, state_reason="535")


async def doubted(told: Told, **columns: Any) -> list[uuid.UUID]:
    world = told.desk.world
    sender = await world.sender()
    emails = await world.emails(sender, await world.campaign(sender, **columns), 2)
    await world.execute(
        f"UPDATE email_jobs SET state = 'in_doubt', in_doubt_at = {LONG_AGO}"
        " WHERE email_id = ANY ($1)",
        emails,
    )
    return emails


async def at_its_limit(told: Told) -> uuid.UUID:
    world = told.desk.world
    sender = await world.sender(name="Slow", hourly_limit=10)
    await world.emails(sender, None, 1)
    await world.execute(
        "INSERT INTO lanes (sender_id, wake_at, held_by, parked_at)"
        " VALUES ($1, now() + interval '10 minutes', 'hourly_limit', now())",
        sender,
    )
    return sender


async def campaign_at_its_limit(told: Told) -> uuid.UUID:
    world = told.desk.world
    sender = await world.sender()
    campaign = await world.campaign(sender, name="Slow", hourly_limit=10)
    await world.emails(sender, campaign, 1)
    told.desk.meter.used = {campaign: 10}
    return campaign


async def stalled(told: Told) -> uuid.UUID:
    world = told.desk.world
    sender = await world.sender(name="Stuck")
    campaign = await world.campaign(sender)
    await world.emails(sender, campaign, 2, due_in=-timedelta(minutes=30))
    await world.execute(f"UPDATE senders SET updated_at = {LONG_AGO} WHERE id = $1", sender)
    await world.execute(f"UPDATE campaigns SET updated_at = {LONG_AGO} WHERE id = $1", campaign)
    return sender


OCCASIONS = {
    "done": (finished, "Campaign “Spring” is done: 3 sent, 1 failed, 1 in doubt."),
    "broken": (broken, "Sender “News” sends nothing until somebody mends it."),
    "doubts": (doubted, "2 emails are in doubt and need a decision."),
    "limit": (at_its_limit, "Sender “Slow” has reached its hourly limit"),
    "campaign's limit": (campaign_at_its_limit, "Campaign “Slow” has reached its hourly limit"),
    "nothing goes": (stalled, "Sender “Stuck” has mail due, and for 10 minutes none has left."),
}


@pytest.mark.parametrize("occasion", OCCASIONS)
async def test_each_kind_is_told_once(told: Told, occasion: str) -> None:
    happen, says = OCCASIONS[occasion]
    await told.want()
    await happen(told)
    for _ in range(3):
        await told.notifying.look()
    [text] = told.receiver.texts
    assert text.startswith(says)
    assert BASE_URL in text
    assert "@" not in text


@pytest.mark.parametrize("occasion", OCCASIONS)
async def test_nobody_is_told_of_what_they_have_not_chosen(told: Told, occasion: str) -> None:
    happen, says = OCCASIONS[occasion]
    kinds = {
        "done": Kind.CAMPAIGN_DONE,
        "broken": Kind.SENDER_BROKEN,
        "doubts": Kind.DOUBTS,
        "nothing goes": Kind.NOTHING_GOES,
    }
    left = frozenset(Kind) - {kinds.get(occasion, Kind.LIMIT_REACHED)}
    await told.want(kinds=left)
    await happen(told)
    await told.notifying.look()
    assert not [text for text in told.receiver.texts if says in text]


async def test_what_is_well_is_not_told(told: Told) -> None:
    world = told.desk.world
    await told.want()
    sender = await world.sender(hourly_limit=10)
    campaign = await world.campaign(sender, hourly_limit=10)
    await world.emails(sender, campaign, 1, due_in=-timedelta(minutes=5))
    told.desk.meter.used = {campaign: 9, sender: 9}
    await finished(told, is_test=True)
    await told.notifying.look()
    assert told.receiver.texts == []


async def test_a_campaign_that_was_done_before_anybody_asked_is_not_told(told: Told) -> None:
    await finished(told)
    await told.want()
    await told.notifying.look()
    assert told.receiver.texts == []


async def test_many_things_at_once_are_one_message(told: Told) -> None:
    await told.want()
    for name in ("One", "Two", "Three"):
        await finished(told, name)
    await broken(told)
    await told.notifying.look()
    [text] = told.receiver.texts
    assert text.startswith("4 things happened.")
    assert all(name in text for name in ("One", "Two", "Three", "News"))


async def test_what_goes_on_is_told_again_once_it_has_ended_and_an_hour_has_passed(
    told: Told,
) -> None:
    await told.want()
    sender = await broken(told)
    await told.notifying.look()
    await told.desk.world.execute(
        "UPDATE senders SET updated_at = now() + interval '1 s' WHERE id = $1", sender
    )
    await told.notifying.look()
    assert len(told.receiver.texts) == 1
    await told.later()
    await told.notifying.look()
    await told.notifying.look()
    assert len(told.receiver.texts) == 2


async def test_doubts_that_were_told_are_told_again_only_when_there_are_new_ones(
    told: Told,
) -> None:
    await told.want()
    first = await doubted(told)
    await told.notifying.look()
    await told.later()
    await told.desk.world.execute(
        "UPDATE email_jobs SET in_doubt_at = in_doubt_at - interval '2 days', state = 'in_doubt'"
        " WHERE email_id = $1",
        first[0],
    )
    await told.desk.world.execute(
        "UPDATE email_jobs SET in_doubt_at = in_doubt_at - interval '2 days'"
    )
    await told.notifying.look()
    assert len(told.receiver.texts) == 1
    await doubted(told)
    await told.notifying.look()
    assert told.receiver.texts[1].startswith("4 emails are in doubt")


async def test_doubts_that_settle_by_themselves_are_waited_for(told: Told) -> None:
    await told.want()
    emails = await doubted(told)
    await told.desk.world.execute(
        "UPDATE email_jobs SET in_doubt_at = now() WHERE email_id = ANY ($1)", emails
    )
    await told.notifying.look()
    assert told.receiver.texts == []


async def test_mail_that_may_only_just_begin_to_leave_is_waited_for(told: Told) -> None:
    await told.want()
    await stalled(told)
    await told.another(stalled_for_seconds=60.0).look()
    assert told.receiver.texts == []


async def test_a_sender_that_rests_is_told_with_why(told: Told) -> None:
    await told.want()
    sender = await stalled(told)
    await told.desk.world.execute(
        "UPDATE senders SET resting_until = now() + interval '1 minute',"
        " state_reason = '450 <ada@example.org> no' WHERE id = $1",
        sender,
    )
    await told.notifying.look()
    [text] = told.receiver.texts
    assert "its server takes none for now" in text
    assert "ada@" not in text


async def test_a_name_calls_nobody_in_a_chat_room(told: Told) -> None:
    await told.want()
    await finished(told, "<!channel> & <https://evil.example|click>")
    await told.notifying.look()
    [text] = told.receiver.texts
    assert "&lt;!channel&gt; &amp; &lt;https" in text


async def test_two_workers_tell_it_once(told: Told) -> None:
    await told.want()
    await finished(told)
    await broken(told)
    await asyncio.gather(*(told.another().look() for _ in range(4)))
    assert sum(text.count("Spring") for text in told.receiver.texts) == 1
    assert sum(text.count("News") for text in told.receiver.texts) == 1


async def test_whoever_dies_before_it_is_told_is_followed(told: Told) -> None:
    await told.want()
    await finished(told)
    assert await told.notifying.note() == 1
    assert await told.another().note() == 0
    await told.another().tell()
    await told.another().tell()
    assert len(told.receiver.texts) == 1


async def test_whoever_dies_while_it_is_told_is_followed_once_the_lease_is_over(
    told: Told,
) -> None:
    await told.want()
    await finished(told)
    told.receiver.answers = [None]
    dying = asyncio.create_task(told.notifying.look())
    await told.receiver.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await told.another().look()
    assert len(told.receiver.texts) == 1  # the lease holds
    await told.in_time()
    await told.another().look()
    await told.in_time()
    await told.another().look()
    assert len(told.receiver.texts) == 2  # at least once
    [message] = await told.messages()
    assert message["told_at"] is not None
    assert message["tries"] == 2


async def test_a_database_that_is_away_as_it_is_told_keeps_nobody_elses_waiting(
    told: Told,
) -> None:
    world = told.desk.world
    await world.execute("""
        CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$
    """)
    await world.execute(
        "CREATE TRIGGER away BEFORE UPDATE OF told_at ON notification_messages"
        " FOR EACH ROW WHEN (NEW.channel = 'hook') EXECUTE FUNCTION away()"
    )
    by = await world.sender()
    await told.want(email_to="ops@example.org", email_sender_id=by)
    await finished(told)
    await told.notifying.look()
    by_way = {message["channel"]: message for message in await told.messages()}
    assert by_way["hook"]["told_at"] is None
    assert by_way["email"]["told_at"] is not None
    await world.execute("DROP TRIGGER away ON notification_messages")
    await told.in_time()
    await told.notifying.look()
    assert all(message["told_at"] for message in await told.messages())
    assert len(told.receiver.texts) == 2


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_a_receiver_in_trouble_is_asked_again_and_again_but_not_for_ever(
    told: Told, status: int
) -> None:
    await told.want()
    await finished(told)
    told.receiver.answer(*[status] * (MAX_TRIES + 3))
    for _ in range(MAX_TRIES + 3):
        await told.notifying.look()
        await told.in_time()
    assert len(told.receiver.texts) == MAX_TRIES
    [message] = await told.messages()
    assert message["given_up_at"] is not None
    assert str(status) in message["last_error"]


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 410])
async def test_a_receiver_that_refuses_is_not_asked_again(told: Told, status: int) -> None:
    await told.want()
    await finished(told)
    told.receiver.answer(status, Location=f"http://127.0.0.1:{told.receiver.port}/else")
    for _ in range(3):
        await told.notifying.look()
        await told.in_time()
    assert len(told.receiver.texts) == 1
    [message] = await told.messages()
    assert message["given_up_at"] is not None
    assert "hush" not in message["last_error"]


async def test_a_receiver_that_hangs_is_given_up_in_time_and_keeps_nobody_waiting(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "SECONDS", 0.05)
    await told.want()
    await finished(told)
    told.receiver.answers = [None]
    await told.notifying.look()
    [message] = await told.messages()
    assert message["told_at"] is None
    assert message["given_up_at"] is None
    assert "No answer within" in message["last_error"]


@pytest.mark.parametrize("answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_a_receiver_that_speaks_no_http_is_tried_again(told: Told, answer: bytes) -> None:
    await told.want()
    await finished(told)
    told.receiver.answers = [answer]
    await told.notifying.look()
    [message] = await told.messages()
    assert message["told_at"] is None
    assert message["given_up_at"] is None


async def test_a_receiver_that_is_away_is_tried_again(told: Told) -> None:
    await told.want(hook_url="http://127.0.0.1:1/hush")
    await finished(told)
    await told.notifying.look()
    [message] = await told.messages()
    assert message["last_error"] == "Not reached."
    assert message["given_up_at"] is None


async def test_a_receiver_whose_certificate_nobody_vouches_for_gets_nothing(
    tmp_path: Path,
) -> None:
    certificate = tmp_path / "self.pem"
    certify(certificate, "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with HookReceiver(tls=tls) as receiver:
        answer = await hook.post(receiver.url, "text", allow_private=True)
    assert answer.says == "Its certificate is not accepted."
    assert answer.again
    assert receiver.texts == []


async def test_a_name_is_tried_at_all_of_its_addresses(told: Told) -> None:
    # `localhost` may be ::1 first, where nobody listens.
    port = told.receiver.port
    answer = await hook.post(f"http://localhost:{port}/hush", "text", allow_private=True)
    assert answer.taken
    assert f"host: localhost:{port}" in told.receiver.heads[0].lower()


async def test_nothing_is_posted_into_our_own_network(told: Told) -> None:
    await told.want()
    await finished(told)
    await told.another(allow_private_hosts=False).look()
    assert told.receiver.texts == []
    [message] = await told.messages()
    assert message["given_up_at"] is not None


async def test_a_name_that_leads_into_our_own_network_is_not_followed() -> None:
    answer = await hook.post("https://localhost/hook", "text", allow_private=False)
    assert not answer.taken
    assert answer.says == "Its host leads to what is not a public address."


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://user:secret@hooks.example/x",
        "https://hooks.example:8443/x",
        "ftp://hooks.example/x",
        "hooks.example/x",
        "https://hooks.example/" + "x" * 3_000,
        "https://hooks.example/\r\nX: y",
        "https://",
        "https://[/",
    ],
)
def test_addresses_that_nothing_is_posted_to_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        hook.check_url(url, allow_private=False)


async def test_redis_that_is_away_keeps_back_only_what_counters_say(told: Told) -> None:
    class Away:
        async def used_this_hour(self, **_: object) -> dict[uuid.UUID, int]:
            raise store_error()

    await told.want()
    await campaign_at_its_limit(told)
    await finished(told)
    notifying = told.another()
    notifying._meter = Away()  # type: ignore[assignment]
    await notifying.look()
    [text] = told.receiver.texts
    assert text.startswith("Campaign “Spring” is done")


def store_error() -> Exception:
    from paceline.limits.counters import LimitsUnavailable

    return LimitsUnavailable("Redis: away")


async def test_email_goes_once_by_the_chosen_sender(told: Told) -> None:
    world = told.desk.world
    by = await world.sender(name="Office", from_address="office@example.com")
    await told.want(hook_url=None, email_to="ops@example.org", email_sender_id=by)
    await finished(told, "Braces {{ name }}")
    await told.notifying.note()
    # Whoever made the email died before it could say so.
    async with told.desk.database.transaction() as session:
        [message] = await store.take_messages(session)
    await told.notifying._mail(message, await settings_of(told))
    await told.in_time()
    await told.another().look()
    [email] = await world.fetch("SELECT * FROM emails WHERE address = 'ops@example.org'")
    assert email["sender_id"] == by
    assert email["subject"].startswith("Paceline: Campaign “Braces {{ name }}” is done")
    assert BASE_URL in email["text_body"]
    assert (await told.messages())[0]["told_at"] is not None


async def settings_of(told: Told) -> Any:
    from paceline.persistence.stores import notification_settings

    async with told.desk.database.transaction() as session:
        return await notification_settings.of_owner(session, told.desk.owner)


async def test_of_a_sender_that_is_broken_its_own_email_does_not_tell(told: Told) -> None:
    by = await broken(told, "Office")
    await told.want(email_to="ops@example.org", email_sender_id=by)
    await told.notifying.look()
    assert len(told.receiver.texts) == 1
    assert [message["channel"] for message in await told.messages()] == ["hook"]


async def test_an_email_by_a_sender_that_is_gone_is_given_up(told: Told) -> None:
    world = told.desk.world
    by = await world.sender()
    await told.want(hook_url=None, email_to="ops@example.org", email_sender_id=by)
    await world.execute("UPDATE senders SET deleted_at = now() WHERE id = $1", by)
    await finished(told)
    await told.notifying.look()
    [message] = await told.messages()
    assert message["given_up_at"] is not None
    assert message["last_error"] == "Its sender is none of your senders."


async def test_whoever_was_deactivated_is_told_nothing(told: Told) -> None:
    await told.want()
    await finished(told)
    await told.notifying.note()
    await told.desk.world.execute("UPDATE users SET disabled_at = now()")
    await told.notifying.look()
    assert told.receiver.texts == []


async def test_what_is_old_is_forgotten(told: Told) -> None:
    world = told.desk.world
    await told.want()
    await finished(told)
    await told.notifying.look()
    await world.execute("UPDATE notifications SET found_at = now() - interval '31 days'")
    await world.execute("UPDATE notification_messages SET created_at = now() - interval '31 days'")
    await broken(told)
    await world.execute("UPDATE campaigns SET finished_at = now() - interval '31 days'")
    await told.notifying.look()
    assert await world.fetchval("SELECT count(*) FROM notifications") == 1
    assert len(await told.messages()) == 1


async def test_the_hook_is_stored_sealed_and_kept_when_nothing_is_typed(told: Told) -> None:
    await told.want()
    stored = await told.desk.world.fetchval("SELECT hook_url FROM notification_settings")
    assert b"hush" not in stored
    await told.want(hook_url=None)
    view = await told.choices.of(told.desk.owner)
    assert view.hook == "127.0.0.1/…hush"
    await told.want(hook_url=None, drops_hook=True)
    assert (await told.choices.of(told.desk.owner)).hook is None
    acts = await told.desk.world.fetch(
        "SELECT subject FROM audit_log WHERE action = 'person.notifications_chosen' ORDER BY id"
    )
    assert [act["subject"] for act in acts] == [
        "127.0.0.1",
        "the web hook that was kept",
        "nobody",
    ]


async def test_a_hook_that_no_key_opens_says_so(told: Told) -> None:
    await told.want()
    await told.desk.world.execute("UPDATE notification_settings SET hook_url = '\\x0102'")
    assert (await told.choices.of(told.desk.owner)).hook == ""
    await finished(told)
    await told.notifying.look()
    assert (await told.messages())[0]["given_up_at"] is not None


async def test_a_sender_of_somebody_else_is_refused(told: Told) -> None:
    from tests.world import World

    other = await World.create(told.desk.database, watched=False)
    sender = await other.sender()
    with pytest.raises(InvalidInput, match="none of your senders"):
        await told.want(email_to="ops@example.org", email_sender_id=sender)
