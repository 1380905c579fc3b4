"""The measurement of many quiet senders runs; what it finds is not judged here."""

from __future__ import annotations

import asyncio

from bench import sparse
from bench.servers import servers, sink


def test_many_quiet_senders_are_measured() -> None:
    with servers() as private, sink() as taking:
        found = asyncio.run(sparse.measured(private, taking, lanes=20, emails=5, seconds=1))

    assert found["lanes"] == 20
    assert found["Redis bytes per lane"] > 0
    assert found["lateness p50, ms"] <= found["lateness most, ms"]
