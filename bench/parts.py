"""The parts of `make bench`. Each fills one table; what belongs together takes turns in one run."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import client, lateness, messages, node_peer, node_tools, postfix, scale, soak, whole_way
from bench.figures import Table
from bench.processes import Meter
from bench.servers import Servers, SinkProcess, servers, sink
from hatch_build import Toolchain

Run = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much each part does."""

    runs: int = 5
    messages: int = 2_000
    client_mails: int = 8_000
    limit_mails: int = 40_000
    emails: int = 20_000
    peer_emails: int = 6_000
    soak_emails: int = 200_000
    soak_seconds: float = 240
    late_senders: tuple[int, ...] = (300, 3_000)
    late_emails: int = 1_500
    late_seconds: float = 40
    late_runs: int = 1
    import_rows: int = 1_000_000
    import_runs: int = 1
    page_emails: int = 1_000_000
    page_requests: int = 20
    tabs: int = 100
    tab_seconds: float = 20
    pages: str = ""  # only those whose name contains this
    with_peer: bool = True


def of_messages(size: Size) -> Table:
    table = Table("Messages", "One template with text and HTML, filled for many recipients.")
    pairs = [
        (messages.ours(size.messages), messages.standard_library(max(size.messages // 10, 1)))
        for _ in range(size.runs)
    ]
    names = "templates filled and assembled", "the standard library's EmailMessage"
    table.add_pairs(names, "messages/CPU s", pairs, aim="≥ 30")
    return table


def of_clients(size: Size) -> Table:
    table = Table(
        "SMTP client",
        f"{client.CONNECTIONS} kept connections, messages of {len(client.MESSAGE):,} bytes; "
        "the CPU time of the sending process alone.",
    )
    pairs = []
    with sink() as taking:
        for _ in range(size.runs):
            a = uvloop.run(client.ours(taking, size.client_mails))
            b = uvloop.run(client.aiosmtplibs(taking, size.client_mails // 4))
            pairs.append((a, b))
    table.add_pairs(("Paceline's client", "aiosmtplib"), "mails/CPU s", pairs, aim="≥ 5")
    return table


def of_throughput(size: Size) -> Table:
    table = Table(
        "Throughput",
        "One sink for all, one after the other in turns, everything on this machine. The whole way "
        "is from due to recorded, one worker process, PostgreSQL with fsync on. CPU times are per "
        "email and per process.",
    )
    with servers() as private, sink() as taking:
        contenders = _contenders(table, size, private, taking)
        runs: dict[str, list[Mapping[str, float]]] = {name: [] for name in contenders}
        for _ in range(size.runs):
            for name, run in contenders.items():
                runs[name].append(run())
    for name, figures in runs.items():
        table.add_runs(name, "emails/s", figures, aim=AIMS.get(name, ""))
    _ratios(table)
    return table


LIMIT = "Postfix's smtp-source, 16 connections: sends, and nothing else"
CLIENT = "Paceline's client alone, 16 connections"
AIOSMTPLIB = "aiosmtplib alone, 16 connections"
ONE_SENDER = "Paceline, the whole way, 1 sender × 16 connections"
FOUR_SENDERS = "Paceline, the whole way, 4 senders × 16 connections"
AIMS = {FOUR_SENDERS: "≥ 5,000"}
PEER = "BullMQ + Prisma + Nodemailer, the whole way, 16 connections"
TWO_PEERS = "BullMQ + Prisma + Nodemailer, the whole way, 2 processes × 16"


def _contenders(table: Table, size: Size, private: Servers, taking: SinkProcess) -> dict[str, Run]:
    def whole(senders: int) -> Run:
        return lambda: asyncio.run(
            whole_way.measured(private, taking, count=size.emails, senders=senders, connections=16)
        )

    found: dict[str, Run] = {}
    path = postfix.program()
    if path is None:
        table.leave_out(LIMIT, "Postfix is not installed; scripts/need-postfix does it")
    else:
        found[LIMIT] = lambda: postfix.smtp_source(path, taking, size.limit_mails)
    mails = size.client_mails
    found[CLIENT] = lambda: _alone(taking, mails, client.ours(taking, mails))
    found[AIOSMTPLIB] = lambda: _alone(taking, mails // 2, client.aiosmtplibs(taking, mails // 2))
    found[ONE_SENDER] = whole(1)
    found[FOUR_SENDERS] = whole(4)
    _add_peer(table, found, size, private, taking)
    return found


def _add_peer(
    table: Table, found: dict[str, Run], size: Size, private: Servers, taking: SinkProcess
) -> None:
    if not size.with_peer:
        table.leave_out(PEER, "not asked for")
        return
    try:
        tools = node_tools.installed()
    except node_tools.NotInstalled as error:
        table.leave_out(PEER, str(error))
        return
    for name, processes in ((PEER, 1), (TWO_PEERS, 2)):
        found[name] = functools.partial(_peer, tools, private, taking, size, processes)


def _peer(
    tools: Toolchain, private: Servers, taking: SinkProcess, size: Size, processes: int
) -> Mapping[str, float]:
    return asyncio.run(
        node_peer.measured(tools, private, taking, count=size.peer_emails, processes=processes)
    )


def _alone(
    taking: SinkProcess, mails: int, sending: Coroutine[Any, Any, float]
) -> Mapping[str, float]:
    """A client by itself, from its connections to its last reply."""
    meter = Meter({"sink": [taking.info]})
    per_cpu_second = uvloop.run(sending)
    figures = meter.per(mails)
    return {
        "emails/s": figures["emails/s"],
        "client CPU µs": 1e6 / per_cpu_second,
        "sink CPU µs": figures["sink CPU µs"],
    }


def _ratios(table: Table) -> None:
    values = {figure.name: figure.values for figure in table.figures}
    for name, other in ((FOUR_SENDERS, PEER), (ONE_SENDER, PEER), (FOUR_SENDERS, LIMIT)):
        if other in values:
            pairs = zip(values[name], values[other], strict=True)
            label = f"{name.removeprefix('Paceline, the whole way, ')} ÷ {other.split(',')[0]}"
            table.add(label, "×", [a / b for a, b in pairs])


def of_soak(size: Size) -> Table:
    table = Table(
        "Memory",
        f"One worker process sends {size.soak_emails:,} emails of 4 senders × 16 connections.",
    )
    with servers() as private, sink() as taking:
        run = asyncio.run(
            soak.memory(private, taking, count=size.soak_emails, deadline_seconds=size.soak_seconds)
        )
    speed = run["emails/s"]
    for name in ("at 10 %", "at 50 %", "at 100 %"):
        table.add(f"worker RSS {name} of the emails", "MB", [run[name]])
    table.add("worker RSS, its peak", "MB", [run["peak"]], aim="< 150")
    table.add("growth from 10 % to 100 %", "MB", [run["at 100 %"] - run["at 10 %"]])
    table.add("emails/s over the whole of it", "emails/s", [speed])
    return table


def of_lateness(size: Size) -> Table:
    table = Table(
        "Lateness",
        f"{size.late_emails:,} single emails due at random moments of {size.late_seconds:g} s: "
        "from that moment to the final dot, by PostgreSQL's clock. One worker process.",
    )
    with servers() as private, sink() as taking:
        for senders in size.late_senders:
            runs = [
                asyncio.run(
                    lateness.measured(
                        private,
                        taking,
                        senders=senders,
                        emails=size.late_emails,
                        seconds=size.late_seconds,
                        seed=seed,
                    )
                )
                for seed in range(size.late_runs)
            ]
            for name, aim in (("p50", "≤ 6"), ("p99", "< 60"), ("most", "< 150")):
                values = [run[name] for run in runs]
                table.add(f"{senders:,} senders, {name}", "ms", values, aim=aim)
    return table


def of_imports(size: Size) -> Table:
    return scale.of_imports(rows=size.import_rows, runs=size.import_runs)


def of_pages(size: Size) -> Table:
    return scale.of_pages(emails=size.page_emails, requests=size.page_requests, only=size.pages)


def of_tabs(size: Size) -> Table:
    return scale.of_tabs(emails=size.page_emails, count=size.tabs, seconds=size.tab_seconds)


PARTS: Mapping[str, Callable[[Size], Table]] = {
    "messages": of_messages,
    "client": of_clients,
    "throughput": of_throughput,
    "soak": of_soak,
    "lateness": of_lateness,
    "imports": of_imports,
    "pages": of_pages,
    "tabs": of_tabs,
}
