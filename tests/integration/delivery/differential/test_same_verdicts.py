"""What real servers refuse: all three clients say so, with the same step, code and words."""

from __future__ import annotations

from itertools import product

from tests.integration.delivery.differential import refusals
from tests.integration.delivery.differential.clients import ALL, Letter, Place, Verdict, connected
from tests.integration.delivery.differential.corpus import FROM, HEAD, TO, Case
from tests.integration.delivery.differential.far_end import new_tag
from tests.integration.delivery.differential.sending import ARRIVAL_SECONDS, outcomes
from tests.integration.delivery.differential.servers import Server

CONTENT = HEAD + b"body\r\n"


async def verdict_of(name: str, letter: Letter, place: Place) -> Verdict:
    async with connected(name, place) as client:
        return await client.send(letter)


def letter(mail_from: str = FROM, rcpt_to: str | None = None, content: bytes = CONTENT) -> Letter:
    return Letter(mail_from, rcpt_to or TO.format(tag=new_tag()), content)


def filled(size: int) -> bytes:
    """A message of so many octets."""
    lines = HEAD + (b"x" * 70 + b"\r\n") * (size // 72 - 2)
    return lines + b"y" * (size - len(lines) - 2) + b"\r\n"


def letters_refused_at(steps: frozenset[str]) -> dict[str, Letter]:
    """One for each step and code."""
    letters = {}
    for step, code in product(sorted(steps), refusals.REPLIES):
        address = refusals.address(step, code)
        sent = letter(rcpt_to=address) if step == "rcpt" else letter(mail_from=address)
        letters[f"{step} {code}"] = sent
    return letters


async def test_refusals_in_the_conversation_are_told_alike(server: Server) -> None:
    letters = letters_refused_at(server.refuses_at - {"ehlo"})
    assert len(letters) >= 3 * len(refusals.REPLIES)
    place = Place(server.port)
    for what, refused in letters.items():
        ours, *theirs = [await verdict_of(name, refused, place) for name in ALL]
        assert theirs == [ours, ours], what
        assert not ours.accepted
        assert f" {ours.code}" in what
    assert server.arrivals.nothing_came()


async def test_refusals_before_the_conversation_are_told_alike(server: Server) -> None:
    # 421 to EHLO is left out: the server hangs up, and the others ask it for HELO all the same.
    codes = [code for code in refusals.REPLIES if code != 421]
    places = [Place(server.port, helo_name=refusals.helo_name(code)) for code in codes]
    places += [Place(port) for port in server.greeting_ports.values()]
    for place, code in zip(places, [*codes, *server.greeting_ports], strict=True):
        ours, *theirs = [await verdict_of(name, letter(), place) for name in ALL]
        assert theirs == [ours, ours]
        assert (ours.accepted, ours.code) == (False, code)


async def test_after_each_refusal_the_next_message_of_ours_arrives(server: Server) -> None:
    tags = []
    async with connected("ours", Place(server.port)) as client:
        for what, refused in letters_refused_at(server.refuses_at - {"ehlo"}).items():
            assert not (await client.send(refused)).accepted, what
            tags.append(new_tag())
            accepted = await client.send(letter(rcpt_to=TO.format(tag=tags[-1])))
            assert accepted.accepted, (what, accepted)
    arrived = server.arrivals.wait_for(tags, seconds=ARRIVAL_SECONDS)
    assert {server.received(arrival.content) for arrival in arrived.values()} == {CONTENT}


async def test_messages_at_the_limit_of_size_are_taken_or_refused_alike(server: Server) -> None:
    sizes = range(server.size_limit - 1200, server.size_limit + 301, 300)
    cases = [Case(f"{size} octets", filled(size)) for size in sizes]
    found = await outcomes(cases, Place(server.port), server)
    codes = {name: [outcome.verdict[:3] for outcome in each] for name, each in found.items()}
    assert codes["ours"] == codes["smtplib"] == codes["aiosmtplib"]
    assert codes["ours"][0] == (True, "", 250)
    assert codes["ours"][-1] == (False, "MAIL", 552)
