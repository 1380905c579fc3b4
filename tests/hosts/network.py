"""Hosts that are one machine: each a network namespace with a wire to a common bridge.

What a cut does is what it does between machines: packets are dropped without a word, or refused,
or the wire is gone. Nothing outside of these namespaces is touched, but for the bridge.

Each process of pytest has a bridge, namespaces and addresses of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
BRIDGE = f"plhosts{_PROCESS}"
PREFIX = f"plhost{_PROCESS}-"
WIRE = f"plh{_PROCESS}-"
SUBNET = f"10.213.{77 + _PROCESS}"
MASK = 24


@dataclass(frozen=True)
class Host:
    """One namespace, with one address."""

    name: str
    number: int

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command begins with to run there."""
        return ("ip", "netns", "exec", PREFIX + self.name)

    def cut_from(self, *others: Host, refused: bool = False) -> None:
        """No packet comes through in either direction: dropped, or else refused at once."""
        for other in others:
            there, here = ("-d", other.address), ("-s", other.address)
            reset = ("-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
            verdict = reset if refused else ("-j", "DROP")
            self._iptables("-A", "OUTPUT", *there, *verdict)
            self._iptables("-A", "INPUT", *here, *verdict)

    def heal(self) -> None:
        """Everything comes through again."""
        self._iptables("-F")

    def vanish(self) -> None:
        """Its wire is pulled: nobody hears of its end."""
        _ip("link", "set", self._wire, "down")

    def appear(self) -> None:
        """The wire is back."""
        _ip("link", "set", self._wire, "up")

    @property
    def _wire(self) -> str:
        return f"{WIRE}{self.number}"

    def make(self) -> None:
        """Set it up, with its wire."""
        inside = PREFIX + self.name
        _ip("netns", "add", inside)
        wire = ("link", "add", self._wire, "type", "veth", "peer", "name", "eth0")
        _ip(*wire, "netns", inside)
        _ip("link", "set", self._wire, "master", BRIDGE, "up")
        for change in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.address}/{MASK}", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
        ):
            _ip("-netns", inside, *change)

    def _iptables(self, *arguments: str) -> None:
        _run([*self.enter, "iptables", "-w", *arguments])


class Network:
    """The hosts that there are. Use `network()`."""

    def __init__(self) -> None:
        self._hosts: list[Host] = []

    def host(self, name: str) -> Host:
        """Another one, with the next address."""
        host = Host(name, 10 + len(self._hosts))
        self._hosts.append(host)
        host.make()
        return host

    def once(self, name: str) -> Host:
        """The one of this name, made when it is first asked for."""
        known = {host.name: host for host in self._hosts}
        return known.get(name) or self.host(name)


@contextmanager
def network() -> Iterator[Network]:
    """A bridge for the length of a block; what an earlier run has left is taken away first."""
    _clear()
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{SUBNET}.1/{MASK}", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    try:
        yield Network()
    finally:
        _clear()


def _clear() -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        if line.startswith(PREFIX):
            _ip("netns", "delete", line.split()[0])
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True)
    for line in links.stdout.splitlines():
        name = line.split(": ")[1].partition("@")[0]
        if name == BRIDGE or name.startswith(WIRE):
            # The end of a wire goes with its namespace, a little later.
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: Sequence[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}: {ran.stderr}"
