"""Each alert fires when it should and is silent when it should be, as promtool works it out."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.integration.monitoring.conftest import found

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
CASES = Path(__file__).with_name("alerts_test.yml")


async def promtool(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        str(found("promtool")),
        *arguments,
        cwd=MONITORING,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_prometheus_takes_the_configuration_and_its_rules() -> None:
    code, said = await promtool("check", "config", "prometheus.yml")
    assert code == 0, said


async def test_each_alert_fires_when_it_should_and_only_then() -> None:
    code, said = await promtool("test", "rules", str(CASES))
    assert code == 0, said


def test_no_alert_goes_untested() -> None:
    alerts = re.findall(r"- alert: (\w+)", (MONITORING / "alerts.yml").read_text())
    tested = re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n\s+- exp_labels", CASES.read_text())
    assert sorted(set(tested)) == sorted(alerts)
