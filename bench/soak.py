"""One worker's memory over a long run: does it grow with what it has sent?"""

from __future__ import annotations

import asyncio

from bench.processes import Meter, rss_mb
from bench.servers import Servers, SinkProcess
from bench.whole_way import loaded

LOOK_SECONDS = 0.1
MARKS_PERCENT = (10, 50, 100)


async def memory(
    servers: Servers, sink: SinkProcess, *, count: int, deadline_seconds: float
) -> dict[str, float]:
    """The worker's RSS in MB at 10, 50 and 100 percent of the emails, its peak, and its speed."""
    async with loaded(servers, sink, count=count, senders=4, connections=16) as load:
        meter = Meter({"worker": [load.worker.info]})
        await load.begin()
        at: dict[str, float] = {}
        marks, peak, sent = list(MARKS_PERCENT), 0.0, 0
        async with asyncio.timeout(deadline_seconds):
            while sent < load.count:
                sent = await load.sent()
                rss = rss_mb([load.worker.info])
                peak = max(peak, rss)
                while marks and sent * 100 >= load.count * marks[0]:
                    at[f"at {marks.pop(0)} %"] = rss
                await asyncio.sleep(LOOK_SECONDS)
        return {**at, "peak": peak, **meter.per(load.count)}
