"""A real Prometheus scrapes a real API and a real worker, for every query of the dashboard."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from paceline.bootstrap.server import run_api
from paceline.bootstrap.worker import run_worker
from paceline.bootstrap.worker_health import health_check
from paceline.observability.figures import Figures
from paceline.settings import Settings
from tests.integration.engine.sink import Sink
from tests.integration.monitoring.conftest import found
from tests.ports import free_port
from tests.world import World, settings_for

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
TOKEN = "t" * 32
PATIENCE_SECONDS = 240  # with a busy machine; a query that finds nothing finds nothing then, too
# How far back rates look: over all of the test, however long it takes. Within a minute a quantile
# of nothing new is no number any more.
FAR_BACK = "1h"
CONFIGURATION = """
global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: paceline
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{api}", "127.0.0.1:{worker}"]}}]
"""


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    made = settings_for(database_url, redis_url)
    return replace(
        made,
        api=replace(made.api, metrics_token=TOKEN, port=free_port()),
        worker=replace(made.worker, health_port=free_port()),
    )


@asynccontextmanager
async def running(settings: Settings, black_boxes: Path) -> AsyncIterator[None]:
    """An API and a worker, as their processes run them."""
    stop, figures = asyncio.Event(), Figures()
    async with health_check(settings, figures), asyncio.TaskGroup() as parts:
        parts.create_task(run_api(settings, stop))
        parts.create_task(run_worker(settings, stop, black_boxes=black_boxes, figures=figures))
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def prometheus(folder: Path, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(
        CONFIGURATION.format(
            rules=MONITORING / "alerts.yml",
            token=TOKEN,
            api=settings.api.port,
            worker=settings.worker.health_port,
        )
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(found("prometheus")),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        process.terminate()
        await process.wait()


async def asked(client: httpx2.AsyncClient, query: str) -> list[float]:
    """What a query finds now; nothing while Prometheus does not answer yet."""
    try:
        answer = await client.get("/api/v1/query", params={"query": query})
    except httpx2.TransportError:
        return []
    if answer.status_code == 503:
        return []
    said: dict[str, Any] = answer.json()
    assert said["status"] == "success", (query, said)
    return [float(sample["value"][1]) for sample in said["data"]["result"]]


async def until(client: httpx2.AsyncClient, query: str, least: int = 1) -> list[float]:
    """Wait for as many numbers."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:  # another process has no event to wait for
                values = [value for value in await asked(client, query) if not math.isnan(value)]
                if len(values) >= least:
                    return values
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"nothing is found by {query}")


def queries() -> list[str]:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return [
        target["expr"].replace("$__rate_interval", FAR_BACK)
        for panel in panels
        for target in panel["targets"]
    ]


async def test_every_query_of_the_dashboard_and_no_alert_finds_something_where_all_is_well(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    async with (
        Sink() as sink,
        running(settings, tmp_path / "boxes"),
        prometheus(tmp_path, settings) as client,
    ):
        await until(client, "up == 1", least=2)
        await until(client, 'paceline_attempts_total{outcome="sent"} == 0')
        sender_id = await world.sender(port=sink.port)
        ids = await world.emails(sender_id, await world.campaign(sender_id), 5)
        await world.signal(sender_id)
        await world.until_all_are(ids, "sent")
        await until(client, f'rate(paceline_attempts_total{{outcome="sent"}}[{FAR_BACK}]) > 0')
        for query in queries():
            assert await until(client, query), query
        assert await until(client, 'max(paceline_emails{state="sent"}) == 5')
        assert await until(client, "max(paceline_workers) == 1")
        assert await asked(client, 'ALERTS{alertstate="firing"}') == []


def test_every_figure_that_is_asked_about_is_told() -> None:
    """By name, so that a figure that is called otherwise one day leaves no rule behind."""
    told = (Path(__file__).parents[3] / "src/paceline/bootstrap/metrics.py").read_text()
    told += (Path(__file__).parents[3] / "src/paceline/observability/exposition.py").read_text()
    names = set(re.findall(r'"(paceline_\w+)"', told))
    asked_about = set(re.findall(r"paceline_\w+", (MONITORING / "alerts.yml").read_text()))
    without = {re.sub(r"_(total|bucket)$", "", name) for name in asked_about}
    assert without <= names
