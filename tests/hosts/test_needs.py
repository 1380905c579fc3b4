"""What is said where these tests cannot be run: they fail, and are not skipped."""

from __future__ import annotations

import subprocess

from tests.hosts.servers import ROOT

WITHOUT = ("setpriv", "--inh-caps", "-sys_admin", "--bounding-set", "-sys_admin")


def test_root_that_may_make_no_networks_as_in_a_container_is_told_so_in_one_line() -> None:
    ran = subprocess.run(
        [*WITHOUT, ROOT / "scripts" / "need-hosts"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert "leave to make network namespaces, bridges and rules for packets: " in line
