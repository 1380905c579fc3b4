"""What the fault tests do to their servers ends with the scenario, also where it goes wrong."""

from __future__ import annotations

import asyncio
import signal

import pytest
import redis.asyncio

from tests.faults import run
from tests.faults.case import Case
from tests.faults.run import Stages, run_all
from tests.faults.scenarios import ALONE, SCENARIOS
from tests.faults.slots import MAX_AT_ONCE
from tests.faults.verdict import Verdict


async def waits_in_vain(case: Case) -> Verdict:
    async with case.stage.redis_out_of_memory():
        raise TimeoutError("waited in vain")


async def leaves_the_servers_dead(case: Case) -> Verdict:
    await asyncio.to_thread(case.stage.redis.end, signal.SIGKILL)
    await asyncio.to_thread(case.stage.postgres.end, signal.SIGQUIT)
    raise RuntimeError("an accident")


async def never_ends(case: Case) -> Verdict:
    run.LONGEST_SECONDS = 60.0  # for the next one
    async with case.stage.redis_out_of_memory():
        await asyncio.Event().wait()
    return await case.verdict()


async def needs_the_servers(case: Case) -> Verdict:
    async with redis.asyncio.Redis.from_url(case.stage.redis_url()) as connection:
        await connection.set("a", "1")
    return await case.verdict()


@pytest.mark.parametrize(
    ("goes_wrong", "said"),
    [
        (waits_in_vain, "timeout: waited in vain"),
        (leaves_the_servers_dead, "RuntimeError: an accident"),
        (never_ends, "timeout: not over after 60 s"),
    ],
)
def test_a_scenario_that_goes_wrong_leaves_its_servers_as_it_found_them(
    goes_wrong: object, said: str, fault_stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LONGEST_SECONDS", 3.0 if goes_wrong is never_ends else 60.0)
    monkeypatch.setitem(ALONE, "first", goes_wrong)
    monkeypatch.setitem(ALONE, "then", needs_the_servers)
    chosen = {name: (name, None) for name in ("first", "then")}
    ran = asyncio.run(run_all(fault_stages, chosen))
    assert ran["first"].verdict.problems == [said]
    assert ran["then"].verdict.problems == []


async def takes_its_database_away(case: Case) -> Verdict:
    await case.world.execute("ALTER TABLE email_jobs RENAME TO gone")
    raise RuntimeError("an accident")


def test_a_case_that_cannot_be_opened_is_its_own_failure_and_no_others(
    fault_stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCENARIOS, "works", needs_the_servers)
    wrong = [f"no/folder-{number}" for number in range(MAX_AT_ONCE)]
    # The right one comes last, when as many have gone wrong as there is room for.
    chosen = dict.fromkeys((*wrong, "right"), ("works", None))
    ran = asyncio.run(run_all(fault_stages, chosen))
    for name in wrong:
        (said,) = ran[name].verdict.problems
        assert said.startswith("FileNotFoundError: ")
    assert ran["right"].verdict.problems == []


def test_a_case_that_cannot_be_judged_is_its_own_failure_and_no_others(
    fault_stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCENARIOS, "broken", takes_its_database_away)
    monkeypatch.setitem(SCENARIOS, "works", needs_the_servers)
    ran = asyncio.run(run_all(fault_stages, {name: (name, None) for name in ("broken", "works")}))
    accident, trouble = ran["broken"].verdict.problems
    assert accident == "RuntimeError: an accident"
    assert 'relation "email_jobs" does not exist' in trouble
    assert ran["works"].verdict.problems == []
