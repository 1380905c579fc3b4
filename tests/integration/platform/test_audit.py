"""`make check` fails for a package with a known vulnerability, and never for being offline."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

AUDIT = Path(__file__).parents[3] / "scripts" / "audit.py"
HASH = "sha256:" + "0" * 64
LOCK = f"""\
idna==3.6 \\
    --hash={HASH}
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash={HASH}
"""
# As OSV has it, shortened: GHSA-jjg7-2v4v-x38h.
ADVISORY = {
    "id": "PYSEC-2024-60",
    "details": "A specially crafted argument takes quadratic time.",
    "aliases": ["CVE-2024-3651", "GHSA-jjg7-2v4v-x38h"],
    "modified": "2024-07-11T17:42:29Z",
    "published": "2024-07-07T18:15:00Z",
    "affected": [
        {
            "package": {"name": "idna", "ecosystem": "PyPI", "purl": "pkg:pypi/idna"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.7"}]},
            ],
            "versions": ["3.5", "3.6"],
        }
    ],
}


@contextmanager
def osv(known: Mapping[tuple[str, str], object], *, status: int = 200) -> Iterator[str]:
    """A server with the API of OSV; where it is."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = known.get((asked["package"]["name"], asked["version"]))
            body = json.dumps({"vulns": [found]} if found else {}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text(LOCK)
    return file


def audited(lock: Path, url: str, *more: str) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, str(AUDIT), str(lock), "--osv-url", url, *more],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return ended.returncode, ended.stdout.splitlines()


def test_a_known_vulnerability_fails_with_package_version_and_what_mends_it(lock: Path) -> None:
    with osv({("idna", "3.6"): ADVISORY}) as url:
        code, said = audited(lock, url)
        assert (code, said) == (
            1,
            ["audit: idna 3.6: PYSEC-2024-60, CVE-2024-3651, GHSA-jjg7-2v4v-x38h; fixed in 3.7"],
        )
        assert audited(lock, url, "--ignore-vuln", "PYSEC-2024-60")[0] == 0


def test_where_nothing_is_known_one_line_says_how_many_were_asked_about(lock: Path) -> None:
    with osv({}) as url:
        assert audited(lock, url) == (0, ["audit: 1 packages, no known vulnerability"])


def test_whoever_is_offline_is_told_and_not_failed(lock: Path) -> None:
    told = "audit: not done, for 127.0.0.1:1 does not answer, or is in trouble"
    assert audited(lock, "http://127.0.0.1:1/v1/query") == (0, [told])


def test_a_database_in_trouble_fails_nothing_either(lock: Path) -> None:
    with osv({}, status=503) as url:
        code, [said] = audited(lock, url)
    assert code == 0
    assert said.startswith("audit: not done, for 127.0.0.1:")


def test_a_lock_that_cannot_be_read_fails(tmp_path: Path) -> None:
    broken = tmp_path / "requirements.lock"
    broken.write_text("idna>=3\n")
    with osv({}) as url:
        code, said = audited(broken, url)
    assert code == 1
    assert len(said) == 1
    assert f"{broken} cannot be audited" in said[0]
