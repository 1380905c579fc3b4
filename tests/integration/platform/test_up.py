"""`paceline up` as a person runs it: one command, the main job from the terminal, then Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from paceline.embedded.process import die_with_parent
from tests.ports import free_port

PATIENCE_SECONDS = 60
STOP_SECONDS = 10  # promised to whoever presses Ctrl-C


class Up:
    """A running `paceline up` on a home of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.port = free_port()
        self.output = home.parent / f"{home.name}.out"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*PACELINE, "up", "--home", str(home), "--port", str(self.port), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(DEVINBOX_PORT=str(free_port())),
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads here
            )

    def wait_until_ready(self) -> None:
        eventually(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()

    def said(self) -> str:
        return self.output.read_text()

    def run_json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        return found

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


PACELINE = [sys.executable, "-m", "paceline"]


def environment(**more: str) -> dict[str, str]:
    settings = ("PACELINE_", "DATABASE_", "REDIS_")
    return {**{k: v for k, v in os.environ.items() if not k.startswith(settings)}, **more}


def paceline(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PACELINE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        env=environment(),
        input=stdin,
    )


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def get(up: Up, path: str, key: str) -> dict[str, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{up.port}{path}")
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def add_sender(up: Up, key: str, address: str) -> None:
    sender = {
        "name": "Another",
        "from_address": address,
        "smtp_host": "127.0.0.1",
        "smtp_port": up.run_json()["devinbox_port"],
        "smtp_security": "none",
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}/api/v1/senders", data=json.dumps(sender).encode()
    )
    request.add_header("Authorization", f"Bearer {key}")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, timeout=10).close()


def new_key(up: Up) -> str:
    address = ("--email", "you@example.com", "--owner")
    made = paceline("api-key", "create", *address, "--home", str(up.home))
    return made.stdout.strip()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # homes in it are passed through by the user of PostgreSQL
        yield Path(name).resolve()


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    """One that all tests share which leave it running."""
    system = Up(folder / "home", "--sample")
    try:
        system.wait_until_ready()
        yield system
    finally:
        system.stop()


@pytest.fixture(scope="module")
def key(up: Up) -> str:
    return new_key(up)


def test_it_says_where_to_go_and_is_ready_by_then(up: Up) -> None:
    assert f"http://localhost:{up.port}/auth/link?token=" in up.said()
    assert str(up.home) in up.said()
    assert "migrate" not in up.said()  # nobody was started before there was a schema
    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/readyz", timeout=10) as answer:
        assert answer.status == 200


def test_what_it_tells_the_other_commands_is_private(up: Up) -> None:
    assert up.run_json()["pid"] == up.process.pid
    assert (up.home / "run.json").stat().st_mode & 0o077 == 0
    assert (up.home / "secret.key").stat().st_mode & 0o077 == 0


def test_the_sample_campaign_starts_to_send_at_once(up: Up, key: str) -> None:
    def sent() -> int:
        (sample,) = get(up, "/api/v1/campaigns", key)["items"]
        return int(sample["counts"]["sent"])

    eventually(lambda: sent() >= 2)
    (sender,) = get(up, "/api/v1/senders", key)["items"]
    assert sender["verified_at"]


def test_a_key_and_a_link_are_printed_alone(up: Up, key: str) -> None:
    assert re.fullmatch(r"pl_[A-Za-z0-9_-]{20,}", key)
    link = paceline("sign-in-link", "--home", str(up.home)).stdout
    assert re.fullmatch(rf"http://localhost:{up.port}/auth/link\?token=\S+\n", link)
    link = paceline("invite", "grace@example.com", "--home", str(up.home)).stdout
    assert re.fullmatch(rf"http://localhost:{up.port}/auth/invitation\?token=\S+\n", link)


def test_a_second_one_on_the_same_home_says_so_and_leaves(up: Up) -> None:
    second = paceline("up", "--home", str(up.home), "--port", str(free_port()))
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"already running at http://localhost:{up.port}" in second.stderr


def test_a_taken_port_is_one_clear_line_before_anything_starts(up: Up, folder: Path) -> None:
    other = paceline("up", "--home", str(folder / "other"), "--port", str(up.port))
    assert other.returncode == 1
    assert other.stderr.count("\n") == 1
    assert f"port {up.port}" in other.stderr
    assert not (folder / "other" / "postgres").exists()


def test_a_bad_setting_is_one_clear_line(folder: Path) -> None:
    refused = subprocess.run(
        [*PACELINE, "worker"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(PACELINE_LANES="many", PACELINE_LOG="text"),
    )
    assert refused.returncode == 78
    assert refused.stderr == (
        "paceline: PACELINE_LANES must be a whole number from 1 to 1024, not 'many' "
        "(PACELINE_LANES is set in the environment)\n"
    )


def test_a_list_is_scheduled_watched_and_summed_up(up: Up, folder: Path) -> None:
    leads = folder / "leads.csv"
    leads.write_text(
        "email,name\nada@example.com,Ada\nbob@example.com,Bob\nnobody,N\nADA@example.com,A\n"
    )
    done = paceline(
        "schedule", str(leads), "--subject", "Hello {{ name }}", "--text", "Hi {{ name }}",
        "--start", "in 1s", "--min-delay", "50ms", "--watch", "--home", str(up.home),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 accepted, 1 duplicates, 1 refused" in done.stderr
    assert "line 4: 'nobody'" in done.stderr
    assert "2 sent, 0 failed, 0 in doubt" in done.stdout


def test_a_list_without_one_good_row_leaves_nothing_behind(up: Up, folder: Path, key: str) -> None:
    leads = folder / "bad.csv"
    leads.write_text("email\nnobody\n")
    refused = paceline(
        "schedule", str(leads), "--subject", "x", "--text", "y", "--home", str(up.home)
    )
    assert refused.returncode == 1
    assert "holds no recipient to accept" in refused.stderr
    states = {c["name"]: c["state"] for c in get(up, "/api/v1/campaigns", key)["items"]}
    assert "bad" not in states


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--start", "2027-03-01T09:00"], "--start: '2027-03-01T09:00' has no offset"),
        (["--min-delay", "2"], "--min-delay: '2' is not a duration"),
        (["--from", "carol@example.com"], "there is no sender carol@example.com; there are:"),
        (["--subject", "two\nlines"], "subject"),
    ],
)
def test_what_cannot_be_scheduled_is_explained_without_a_traceback(
    up: Up, folder: Path, options: list[str], message: str
) -> None:
    leads = folder / "one.csv"
    leads.write_text("email\nada@example.com\n")
    refused = paceline(
        "schedule", str(leads), "--subject", "x", "--text", "y", "--home", str(up.home), *options
    )
    assert refused.returncode == (2 if message.startswith("--") else 1)
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_readme_works_as_it_is_written(up: Up, key: str, folder: Path) -> None:
    """Its blocks for a terminal and for curl, beside a sender that was added in the browser."""
    text = (Path(__file__).parents[3] / "README.md").read_text()
    _, _, first_campaign = text.partition("## A first campaign")
    blocks = re.findall(r"```sh\n(.*?)```", first_campaign, re.DOTALL)[:2]
    place = folder / "clone"
    (place / ".venv").mkdir(parents=True)
    (place / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    add_sender(up, key, "browser@example.com")
    script = "set -euo pipefail\n" + "\n".join(blocks).replace("in 10 seconds", "now")
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=place,
        env=environment(PACELINE_HOME=str(up.home)),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stderr
    assert "2 sent, 0 failed" in ran.stdout
    assert '"state":"active"' in ran.stdout.replace(" ", "")


def test_an_address_that_nobody_has_asks_for_a_new_user(up: Up, key: str) -> None:
    asked = ["api-key", "create", "--email", "nobody@example.com", "--home", str(up.home)]
    refused = paceline(*asked)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "add --new-user" in refused.stderr
    made = paceline(*asked, "--new-user")
    assert get(up, "/api/v1/campaigns", made.stdout.strip())["items"] == []
    owners = paceline("api-key", "create", "--home", str(up.home))
    assert get(up, "/api/v1/campaigns", owners.stdout.strip())["items"] != []


def test_its_address_and_the_dev_inbox_can_be_asked_for(up: Up) -> None:
    def status(*arguments: str) -> str:
        return paceline("status", *arguments, "--home", str(up.home)).stdout

    assert status("url") == f"http://localhost:{up.port}\n"
    assert status("devinbox-port") == f"{up.run_json()['devinbox_port']}\n"
    assert str(up.home) in status()
    nowhere = paceline("status", "--home", "/nowhere")
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr == "paceline: nothing runs on /nowhere: start it with `paceline up`\n"


def test_recipients_may_come_from_standard_input(up: Up, folder: Path) -> None:
    done = paceline(
        "schedule", "-", "--subject", "x", "--text", "y", "--from", "hello@paceline.example",
        "--watch", "--home", str(up.home), stdin="email\nada@example.com\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 sent" in done.stdout


def test_ctrl_c_ends_the_watching_and_says_that_the_campaign_goes_on(
    up: Up, key: str, folder: Path
) -> None:
    leads = folder / "watched.csv"
    leads.write_text("email\nada@example.com\n")
    command = [
        "schedule", str(leads), "--subject", "Stay", "--text", "y", "--start", "in 1h", "--watch",
        "--from", "hello@paceline.example", "--home", str(up.home),
    ]  # fmt: skip
    process = subprocess.Popen(
        [*PACELINE, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    scheduled = process.stdout.readline()
    (campaign_id,) = re.findall(r"campaign (\S+) from", scheduled)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert f"The campaign goes on: http://localhost:{up.port}/campaigns/{campaign_id}" in said
    assert "Traceback" not in said
    assert get(up, f"/api/v1/campaigns/{campaign_id}", key)["state"] == "active"


def test_a_part_that_dies_is_started_again(up: Up, key: str) -> None:
    (api,) = [p for p in up.children() if p.cmdline()[-1:] == ["api"]]
    api.kill()
    eventually(
        lambda: "api does not run: it was ended by SIGKILL; starting it again in 0.5 s" in up.said()
    )

    def answers() -> bool:
        try:
            return bool(get(up, "/api/v1/campaigns", key))
        except OSError:
            return False

    eventually(answers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_time_and_cleanly(
    folder: Path, number: signal.Signals
) -> None:
    system = Up(folder / f"stop-{number.name}", "--no-sample")
    system.wait_until_ready()
    children = system.children()
    assert len(children) > 5
    assert system.stop(number) == 0
    assert not [child for child in children if child.is_running()]
    assert not (system.home / "run.json").exists()


def test_it_can_be_stopped_while_it_starts(folder: Path) -> None:
    system = Up(folder / "early", "--no-sample")
    eventually(lambda: "starting" in system.said())
    assert system.stop() == 0


def test_after_everything_was_killed_it_goes_on_where_it_was(folder: Path) -> None:
    system = Up(folder / "killed", "--sample")
    system.wait_until_ready()
    key = new_key(system)
    for process in [psutil.Process(system.process.pid), *system.children()]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    system.process.wait()
    again = Up(system.home, "--sample")
    try:
        again.wait_until_ready()
        (campaign,) = get(again, "/api/v1/campaigns", key)["items"]
        assert campaign["total"] == 24
    finally:
        assert again.stop() == 0
