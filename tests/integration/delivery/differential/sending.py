"""Sends the same cases by every client at once, and says what came of each."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import idna

from tests.integration.delivery.differential.clients import (
    ALL,
    Letter,
    Place,
    Verdict,
    connected,
)
from tests.integration.delivery.differential.corpus import Case
from tests.integration.delivery.differential.far_end import Arrival, new_tag
from tests.integration.delivery.differential.servers import Server

ARRIVAL_SECONDS = 60


class Outcome(NamedTuple):
    """What the client said, and what is at the far end of it."""

    verdict: Verdict
    arrival: Arrival | None


async def outcomes(cases: list[Case], place: Place, server: Server) -> dict[str, list[Outcome]]:
    """What came of each case, by client; one connection for each of them."""
    sent = await asyncio.gather(*(_send(name, cases, place) for name in ALL))
    accepted = [tag for posts in sent for tag, verdict in posts if verdict.accepted]
    arrived = await asyncio.to_thread(server.arrivals.wait_for, accepted, seconds=ARRIVAL_SECONDS)
    return {
        name: [
            Outcome(verdict, _comparable(arrived[tag], server) if verdict.accepted else None)
            for tag, verdict in posts
        ]
        for name, posts in zip(ALL, sent, strict=True)
    }


async def _send(name: str, cases: list[Case], place: Place) -> list[tuple[str, Verdict]]:
    posts = []
    async with connected(name, place) as client:
        for case in cases:
            tag = new_tag()
            recipient = case.rcpt_to.format(tag=tag)
            letter = Letter(case.mail_from, recipient, case.content, case.smtp_utf8)
            posts.append((tag, await client.send(letter)))
    return posts


def _comparable(arrival: Arrival, server: Server) -> Arrival:
    """Without what may differ: the domain's spelling, and the server's own trace."""
    return Arrival(
        a_label(arrival.mail_from), a_label(arrival.rcpt_to), server.received(arrival.content)
    )


def a_label(address: str) -> str:
    """The address with its domain in ASCII: the same domain in its other spelling."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain).decode('ascii')}"
