"""A private Postfix in a folder of its own: the server that most of the world's mail passes.

It listens on loopback, hands every message to one LMTP server and keeps nothing. It touches no
Postfix of the machine's, and refuses what `refusals` says.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.delivery.differential import refusals
from tests.ports import free_port

MAIL_OWNER = "postfix"  # the user that the package makes

_STEPS = ("ehlo", "mail", "rcpt", "data", "dot")
_PROGRAM = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file_prefixes = {home}
maillog_file = {home}/log
mail_owner = {owner}
myhostname = postfix.test
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = lmtp:inet:127.0.0.1:{far_end_port}
message_size_limit = {size_limit}

# Bytes as they came.
smtputf8_enable = yes
local_header_rewrite_clients =
remote_header_rewrite_domain =
always_add_missing_headers = no
message_drop_headers =
allow_percent_hack = no
swap_bangpath = no
append_at_myorigin = no
append_dot_mydomain = no
lmtp_line_length_limit = 0
header_size_limit = 1000000

# Strict about what a client may do.
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
strict_rfc821_envelopes = yes

# Quick: no look-ups, no penalties, no waiting.
smtpd_peername_lookup = no
lmtp_host_lookup = native
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
lmtp_connection_cache_on_demand = yes

smtpd_tls_security_level = may
smtpd_tls_cert_file = {home}/config/tls.pem
smtpd_tls_key_file = {home}/config/tls.pem

smtpd_delay_reject = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_helo_restrictions = check_helo_access {at_ehlo}
smtpd_sender_restrictions = check_sender_access {at_mail}
smtpd_recipient_restrictions = check_recipient_access {at_rcpt}
smtpd_data_restrictions = check_sender_access {at_data}
smtpd_end_of_data_restrictions = check_sender_access {at_dot}
"""

# service, type, private, unprivileged, chroot, wake-up, processes, command
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n - 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
lmtp unix - - n - - lmtp
scache unix - - n - 1 scache
tlsmgr unix - - n - 1 tlsmgr
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def usable() -> bool:
    """Whether it is installed and may be started: its master process has to be root's."""
    return _PROGRAM is not None and os.geteuid() == 0


@dataclass(frozen=True)
class Postfix:
    """Where it listens; on each of `greeting_ports` it greets with that code."""

    port: int
    tls_port: int
    greeting_ports: dict[int, int]


@contextmanager
def running(*, certificate: Path, far_end_port: int, size_limit: int) -> Iterator[Postfix]:
    """Starts it, waits until it listens, and stops it at the end."""
    with tempfile.TemporaryDirectory(prefix="pl-postfix-") as folder:
        home = Path(folder).resolve()
        port, tls_port, *greeting = free_ports(2 + len(refusals.AT_GREETING))
        server = Postfix(port, tls_port, dict(zip(refusals.AT_GREETING, greeting, strict=True)))
        _lay_out(home, certificate)
        config = home / "config"
        (config / "main.cf").write_text(_main(home, far_end_port, size_limit))
        (config / "master.cf").write_text(_master(server))
        _postfix(home, "start")  # comes back when it listens
        try:
            yield server
        finally:
            _postfix(home, "stop")  # comes back when it is gone


def _lay_out(home: Path, certificate: Path) -> None:
    home.chmod(0o755)  # its processes are another user's
    for name in ("config", "queue", "data"):
        (home / name).mkdir()
    owner = pwd.getpwnam(MAIL_OWNER)
    os.chown(home / "data", owner.pw_uid, owner.pw_gid)
    tls = home / "config" / "tls.pem"
    tls.touch(mode=0o600)
    tls.write_bytes(certificate.read_bytes())


def _main(home: Path, far_end_port: int, size_limit: int) -> str:
    tables = {f"at_{step}": _inline(refusals.table(step)) for step in _STEPS}
    return _MAIN.format(
        home=home, owner=MAIL_OWNER, far_end_port=far_end_port, size_limit=size_limit, **tables
    )


def _master(server: Postfix) -> str:
    greeting = [
        f"127.0.0.1:{port} inet n - n - - smtpd -o {{ smtpd_client_restrictions ="
        f" check_client_access static:{{ {code} {refusals.REPLIES[code]} }} }}\n"
        for code, port in server.greeting_ports.items()
    ]
    return _MASTER.format(port=server.port, tls_port=server.tls_port) + "".join(greeting)


def _inline(table: dict[str, str]) -> str:
    pairs = ", ".join(f"{{ {key} = {value} }}" for key, value in table.items())
    return f"inline:{{ {pairs} }}"


def _postfix(home: Path, command: str) -> None:
    assert _PROGRAM is not None
    finished = subprocess.run(
        [_PROGRAM, "-c", str(home / "config"), command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    log = home / "log"
    said = finished.stderr + (log.read_text() if log.exists() else "")
    assert finished.returncode == 0, f"postfix {command}: {said[-5000:]}"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    return [free_port() for _ in range(count)]
