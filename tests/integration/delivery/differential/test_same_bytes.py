"""The same messages through ours, smtplib and aiosmtplib, over real servers: the same arrives.

What must be equal: whether it was taken; the refusal's step, code and words; both addresses (an
international domain in either of its spellings, U-label or A-label); every octet at the far end.
Against the message as it was given only line ends may have changed, as `canonical` has it.
"""

from __future__ import annotations

import ssl

import pytest

from paceline.delivery import Security
from tests.integration.delivery.differential.clients import OTHERS, Place, canonical
from tests.integration.delivery.differential.corpus import Case, corpus
from tests.integration.delivery.differential.far_end import Arrival
from tests.integration.delivery.differential.sending import Outcome, a_label, outcomes
from tests.integration.delivery.differential.servers import Server


def differing(cases: list[Case], found: dict[str, list[Outcome]]) -> list[str]:
    """The cases that ours made something else of than the others did."""
    return [
        f"{case.name}: ours {shown(ours)}, {name} {shown(theirs)}"
        for name in OTHERS
        for case, ours, theirs in zip(cases, found["ours"], found[name], strict=True)
        if ours != theirs
    ]


def changed(cases: list[Case], found: list[Outcome], server: Server) -> list[str]:
    """The cases that arrived otherwise than they were given."""
    return [
        f"{case.name}: {shown(outcome)}"
        for case, outcome in zip(cases, found, strict=True)
        if outcome.arrival is not None
        and not (case.malformed and server.mends_malformed)
        and outcome.arrival != as_given(case)
    ]


def as_given(case: Case) -> Arrival:
    """What is to arrive, whatever the client and the server."""
    return Arrival(a_label(case.mail_from), a_label(case.rcpt_to), canonical(case.content))


def shown(outcome: Outcome) -> str:
    """Short enough to read where it goes wrong for messages of a megabyte."""
    if outcome.arrival is None:
        return str(outcome.verdict)
    content = outcome.arrival.content
    return f"{outcome.arrival._replace(content=content[-200:])} of {len(content)} octets"


async def test_every_message_arrives_as_smtplib_and_aiosmtplib_would_have_it(
    server: Server,
) -> None:
    cases = corpus()
    assert len({case.name for case in cases}) == len(cases) >= 400
    found = await outcomes(cases, Place(server.port), server)
    assert differing(cases, found) == []
    assert changed(cases, found["ours"], server) == []
    accepted = [outcome for outcome in found["ours"] if outcome.verdict.accepted]
    assert len(accepted) >= 400


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_under_tls_the_same_arrives(
    server: Server, trust: ssl.SSLContext, security: Security
) -> None:
    cases = corpus()[::20]
    port = server.tls_port if security is Security.TLS else server.port
    found = await outcomes(cases, Place(port, security, trust), server)
    assert differing(cases, found) == []
    assert changed(cases, found["ours"], server) == []
