"""A short soak, so that it cannot rot; what takes long to see is not judged here."""

from __future__ import annotations

from tests.soak.__main__ import soaked
from tests.soak.count import BAD
from tests.soak.samples import SERIES

SHORT_MINUTES = 0.2


async def test_a_short_soak_counts_every_email_at_the_sink_once() -> None:
    found = await soaked(SHORT_MINUTES)

    assert found.is_quiet
    assert found.counts["emails"] > 0
    assert found.counts["emails"] == found.counts["sent"] + found.counts["in_doubt"]
    assert {name: found.counts[name] for name in BAD} == dict.fromkeys(BAD, 0)
    assert [name for _, name in found.faults][:1] == ["worker killed"]
    assert {name for _, taken in found.samples for name in taken} == set(SERIES)
