"""`make bench`: every figure in one run, as medians, what belongs together side by side.

Machines differ and are shared: read ratios first, absolute figures second.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics

import uvloop

from bench import client, messages, whole_way
from bench.servers import servers, sink

RUNS = 5
CLIENT_MAILS = 8_000
MESSAGES = 2_000
WHOLE_WAY_EMAILS = 20_000


def main() -> None:
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"medians of {RUNS} runs, minimum and maximum beside them\n")
    _compare_messages()
    with sink() as taking:
        _compare_clients(taking)
    with servers() as private, sink() as taking:
        _whole_way(private, taking)


def _compare_messages() -> None:
    pairs = [
        (messages.ours(MESSAGES), messages.standard_library(MESSAGES // 10)) for _ in range(RUNS)
    ]
    _row("messages/CPU s, templates filled and assembled", [a for a, _ in pairs])
    _row("messages/CPU s, EmailMessage", [b for _, b in pairs])
    _row("  ratio", [a / b for a, b in pairs])


def _compare_clients(taking: whole_way.SinkProcess) -> None:
    pairs = []
    for _ in range(RUNS):
        a = uvloop.run(client.ours(taking, CLIENT_MAILS))
        b = uvloop.run(client.aiosmtplibs(taking, CLIENT_MAILS // 4))
        pairs.append((a, b))
    _row("mails/CPU s, our client, 16 connections", [a for a, _ in pairs])
    _row("mails/CPU s, aiosmtplib, persistent", [b for _, b in pairs])
    _row("  ratio", [a / b for a, b in pairs])


def _whole_way(private: whole_way.Servers, taking: whole_way.SinkProcess) -> None:
    for senders, connections in ((1, 16), (4, 16)):
        runs = [
            asyncio.run(
                whole_way.emails_per_second(
                    private,
                    taking,
                    count=WHOLE_WAY_EMAILS,
                    senders=senders,
                    connections=connections,
                )
            )
            for _ in range(RUNS)
        ]
        name = f"due → recorded, {senders} sender(s) × {connections} connections"
        _row(f"emails/s, {name}", [run["emails_per_second"] for run in runs])
        _row("  worker CPU µs/email", [run["worker_cpu_us_per_email"] for run in runs])
        _row("  worker RSS MB", [run["worker_rss_mb"] for run in runs])


def _row(name: str, values: list[float]) -> None:
    median = _shown(statistics.median(values))
    print(f"{name:<62}{median:>10}   ({_shown(min(values))}–{_shown(max(values))})", flush=True)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    main()
