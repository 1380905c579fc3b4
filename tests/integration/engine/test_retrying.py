"""Failed emails that a person tries again: a real lane, and a server with another mind."""

from __future__ import annotations

from paceline.bootstrap.worker import RunningWorker
from paceline.domain.retrying import FailedFilter
from paceline.services.retrying import Retrying
from tests.api import SilentBell
from tests.integration.engine.sink import Sink
from tests.world import World


async def test_what_a_server_refused_goes_out_once_it_takes_it_and_the_campaign_completes_again(
    world: World, sink: Sink, worker: RunningWorker
) -> None:
    sink.at_rcpt = lambda to: "550 5.7.1 not from you" if to.startswith("reader1@") else None
    sender = await world.sender(port=sink.port)
    campaign = await world.campaign(sender)
    ids = await world.emails(sender, campaign, 3)
    await world.signal(sender)

    async def ended(counts: tuple[int, int]) -> bool:
        (row,) = await world.fetch("SELECT state, sent, failed FROM campaigns")
        return (row["state"], row["sent"], row["failed"]) == ("completed", *counts)

    await world.until(lambda: ended((2, 1)))
    sink.at_rcpt = lambda _: None
    await world.execute("UPDATE senders SET resting_until = NULL, updated_at = now()")
    before = {taken.rcpt_to: taken.message_id for taken in sink.taken}
    retrying = Retrying(world.database, SilentBell())  # the listener hears it all the same
    report = await retrying.campaign(world.owner_id, campaign, FailedFilter())
    assert report.retried == 1
    await world.until(lambda: ended((3, 0)))
    assert await world.states(ids) == ["sent"] * 3
    assert len(sink.taken) == 3
    assert "reader1@example.org" not in before
    (again,) = await world.fetch("SELECT attempt FROM email_jobs WHERE email_id = $1", ids[1])
    evidence = await world.fetch(
        "SELECT attempt, outcome FROM attempts WHERE email_id = $1 ORDER BY attempt", ids[1]
    )
    assert [row["outcome"] for row in evidence] == ["rejected", "retried", "sent"]
    assert again["attempt"] == evidence[-1]["attempt"] == 3
