"""What arrives from a sender with a DKIM key: verified by dkimpy, the DNS being ours."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncIterator, Callable

import dkim
import pytest

from paceline.delivery import DkimAlgorithm, Pool
from paceline.services.senders import DkimRecord, Senders
from tests.api import senders_over
from tests.integration.engine.sink import Sink
from tests.world import World

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def senders(world: World) -> AsyncIterator[Senders]:
    pool = Pool(allow_private_hosts=True)
    yield senders_over(world.database, pool)
    await pool.close()


def dns_of(record: DkimRecord) -> Callable[..., bytes]:
    def answer(name: bytes, timeout: float = 5) -> bytes:
        return record.text.encode() if name.decode().rstrip(".") == record.name else b""

    return answer


def names_signed(raw: bytes) -> list[str]:
    field = re.sub(rb"\s", b"", raw.partition(b"\r\nDate:")[0]).decode()
    return field.partition(";h=")[2].partition(";")[0].split(":")


@pytest.mark.parametrize("algorithm", list(DkimAlgorithm))
async def test_a_campaign_arrives_signed_each_email_by_itself(
    world: World, sink: Sink, senders: Senders, algorithm: DkimAlgorithm
) -> None:
    sender = await world.sender(port=sink.port)
    record = await senders.make_dkim_key(world.owner_id, sender, algorithm)
    html = "<p>Grüße an {{ name }}</p>"
    campaign = await world.campaign(sender, subject="Grüße, {{ name }}", html_body=html)
    await world.emails(sender, campaign, 20)
    await world.emails(sender, None, ["ada@example.org"])
    await world.signal(sender)
    for taken in await sink.wait_for(21):
        assert taken.raw.startswith(b"DKIM-Signature: v=1; a=%b-sha256;" % algorithm.encode())
        assert dkim.verify(taken.raw, dnsfunc=dns_of(record), minkey=2048)
        names = names_signed(taken.raw)
        for field in ("from", "to", "subject", "date"):
            assert names.count(field) == 2
        assert {"list-unsubscribe", "list-unsubscribe-post"} < set(names)


async def test_all_attempts_at_one_email_are_the_same_to_the_octet(
    world: World, sink: Sink, senders: Senders
) -> None:
    answers = iter(["drop"])  # once, after the dot: taken, and nobody is told
    sink.at_dot = lambda _: next(answers, None)
    sender = await world.sender(port=sink.port)
    await senders.make_dkim_key(world.owner_id, sender, DkimAlgorithm.RSA)
    (email_id,) = await world.emails(sender, None, 1)
    await world.signal(sender)
    await world.until_all_are([email_id], "in_doubt")
    await resend(world, email_id)
    await world.signal(sender)
    first, second = await sink.wait_for(2)
    assert first.raw == second.raw


async def resend(world: World, email_id: uuid.UUID) -> None:
    await world.execute(
        "UPDATE email_jobs SET state = 'deferred', due_at = now(), in_doubt_at = NULL"
        " WHERE email_id = $1",
        email_id,
    )


async def test_a_running_worker_takes_up_a_new_key_and_lets_go_of_a_dropped_one(
    world: World, sink: Sink, senders: Senders
) -> None:
    sender = await world.sender(port=sink.port)
    signed = []
    for step in ("without", "made", "dropped"):
        if step == "made":
            await senders.make_dkim_key(world.owner_id, sender, DkimAlgorithm.ED25519)
        elif step == "dropped":
            await senders.drop_dkim_key(world.owner_id, sender)
        ids = await world.emails(sender, None, ["ada@example.org"])
        await world.signal(sender)
        await world.until_all_are(ids, "sent")
        signed.append(sink.taken[-1].raw.startswith(b"DKIM-Signature:"))
    assert signed == [False, True, False]


async def test_a_key_moved_to_another_sender_signs_nothing_there(
    world: World, sink: Sink, senders: Senders, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ann, bob = await world.sender(port=sink.port), await world.sender(port=sink.port)
    await senders.make_dkim_key(world.owner_id, ann, DkimAlgorithm.ED25519)
    await world.execute(
        """
        UPDATE senders b SET (dkim_selector, dkim_domain, dkim_algorithm, dkim_key, updated_at) =
            (a.dkim_selector, a.dkim_domain, a.dkim_algorithm, a.dkim_key, clock_timestamp())
          FROM senders a WHERE a.id = $1 AND b.id = $2
        """,
        ann,
        bob,
    )
    await world.emails(bob, None, ["ada@example.org"])
    await world.signal(bob)

    async def broken() -> bool:
        return bool(await world.fetchval("SELECT state = 'broken' FROM senders WHERE id = $1", bob))

    await world.until(broken)
    assert sink.taken == []
    assert "PRIVATE KEY" not in caplog.text
