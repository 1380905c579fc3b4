"""Several addresses of a host, tried one beside the other."""

from __future__ import annotations

import asyncio

import pytest

from paceline.delivery import racing
from paceline.delivery.racing import first_to_answer, in_turns


class Net:
    """Addresses that answer, refuse or stay silent, and what became of the connections."""

    def __init__(self, **ways: str) -> None:
        self.ways = ways
        self.tried: list[str] = []
        self.given_up: list[str] = []
        self.dropped: list[str] = []
        self.go_on = asyncio.Event()

    async def connect(self, address: str) -> str:
        self.tried.append(address)
        match self.ways[address]:
            case "answers":
                return address
            case "refuses":
                raise ConnectionRefusedError(address)
            case "answers_on_signal":
                await self.go_on.wait()
                return address
            case "is_slow_to_give_up":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self.given_up.append(address)
                    await self.go_on.wait()
                    return address
            case "answers_when_given_up":
                self.given_up.append(address)
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    return address
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up.append(address)
            raise
        raise AssertionError

    async def first(self) -> str:
        return await first_to_answer(list(self.ways), self.connect, drop=self.dropped.append)


@pytest.fixture(autouse=True)
def _short_stagger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER_SECONDS", 0.01)


@pytest.mark.parametrize(
    ("addresses", "order"),
    [
        (
            ["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"],
            ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"],
        ),
        (["10.0.0.1", "::1"], ["10.0.0.1", "::1"]),
        (["10.0.0.2", "10.0.0.1"], ["10.0.0.2", "10.0.0.1"]),
    ],
)
def test_both_families_take_turns(addresses: list[str], order: list[str]) -> None:
    assert in_turns(addresses) == order


async def test_the_first_that_answers_is_taken_and_no_other_is_tried() -> None:
    net = Net(a="answers", b="answers")
    assert await net.first() == "a"
    assert net.tried == ["a"]


async def test_a_silent_address_is_passed_and_given_up() -> None:
    net = Net(a="silent", b="silent", c="answers")
    assert await net.first() == "c"
    assert net.given_up == ["a", "b"]


async def test_an_address_that_refuses_costs_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "STAGGER_SECONDS", 3600)
    net = Net(a="refuses", b="answers")
    assert await net.first() == "b"


async def test_the_slow_one_is_taken_when_the_others_refuse() -> None:
    net = Net(a="answers_on_signal", b="refuses", c="refuses")
    first = asyncio.create_task(net.first())
    while len(net.tried) < 3:
        await asyncio.sleep(0)
    net.go_on.set()
    assert await first == "a"


async def test_a_second_connection_is_dropped() -> None:
    net = Net(a="answers_when_given_up", b="answers")
    assert await net.first() == "b"
    assert net.dropped == ["a"]


async def test_all_reasons_are_told_in_order_when_none_answers() -> None:
    net = Net(a="refuses", b="refuses")
    with pytest.raises(ExceptionGroup) as caught:
        await net.first()
    assert [str(error) for error in caught.value.exceptions] == ["a", "b"]


async def test_whoever_is_no_longer_asked_gives_all_of_them_up() -> None:
    net = Net(a="silent", b="silent")
    first = asyncio.create_task(net.first())
    while len(net.tried) < 2:
        await asyncio.sleep(0.001)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert net.given_up == ["a", "b"]


async def _cancelled_while_the_losers_end(net: Net) -> asyncio.Task[str]:
    """Somebody has won, and the caller is gone before the others have ended."""
    first = asyncio.create_task(net.first())
    while not net.given_up:
        await asyncio.sleep(0.001)
    first.cancel()
    await asyncio.sleep(0)
    return first


async def test_the_winner_is_dropped_when_nobody_waits_for_it_any_more() -> None:
    net = Net(a="is_slow_to_give_up", b="answers")
    first = await _cancelled_while_the_losers_end(net)
    net.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert sorted(net.dropped) == ["a", "b"]


async def test_losers_that_connect_after_all_are_dropped_however_often_one_is_cancelled() -> None:
    net = Net(a="is_slow_to_give_up", b="is_slow_to_give_up", c="answers")
    first = await _cancelled_while_the_losers_end(net)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    net.go_on.set()
    while len(net.dropped) < 3:
        await asyncio.sleep(0)
    assert sorted(net.dropped) == ["a", "b", "c"]
