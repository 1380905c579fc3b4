"""Three hosts share the campaigns; one is lost, or cut off from servers and healed."""

from __future__ import annotations

import time

import pytest

from tests.hosts.town import Town


async def test_three_hosts_share_the_campaigns_and_the_sum_is_exact(town: Town) -> None:
    await town.start_all()
    await town.campaigns_of(6, emails=150)
    await town.campaign(50, hourly_limit=50, min_delay_ms=100)
    await town.until_done()
    assert all(town.emails(host=host) for host in town.hosts)
    await town.verdict()


async def test_a_host_that_is_gone_without_a_word_costs_no_more_than_it_had_under_way(
    town: Town,
) -> None:
    await town.start_all()
    await town.campaigns_of(6, emails=150)
    await town.campaign(50, hourly_limit=50, min_delay_ms=100)
    await town.until_sent(200)
    town.lose(town.busiest())
    await town.until_done()
    await town.verdict(doubts=town.under_way)
    await town.until_workers(2, within=120)


@pytest.mark.parametrize("servers", ["redis", "postgres", "redis postgres"])
async def test_a_host_cut_off_without_a_word_takes_part_again_once_healed(
    servers: str, town: Town
) -> None:
    await town.start_all()
    await town.campaigns_of(6, emails=150)
    await town.campaign(50, hourly_limit=50, min_delay_ms=100)
    await town.until_sent(200)
    cut = town.busiest()
    cut.cut_from(*(town.servers[name] for name in servers.split()))
    await town.until_done()  # by the others, while the cut lasts
    cut.heal()
    healed = time.time()

    async def it_takes_part() -> bool:
        if await town.is_done():
            await town.campaign(5)
        return bool(town.emails(host=cut, since=healed + 1))

    await town.until(it_takes_part, "it takes part", within=180)
    await town.until_done()
    await town.verdict(doubts=town.under_way)
