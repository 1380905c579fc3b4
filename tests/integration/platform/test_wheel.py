"""What is given away: a wheel and an sdist that are the same from the same tree, and work alone."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cyclonedx.model.bom import Bom
from packaging.requirements import Requirement

from paceline.embedded.process import die_with_parent
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 180
# Of a build: fixed by whoever builds, not by when or where it is done.
EPOCH = "1790000000"


def build(tree: Path, target: Path, **more: str) -> tuple[Path, Path]:
    """The wheel and the sdist of a tree whose web assets are there, without Node.js on PATH."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(target)],
        cwd=tree,
        env={"PATH": "/nowhere", "SOURCE_DATE_EPOCH": EPOCH, **more},
        check=True,
        capture_output=True,
    )
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pl-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # homes in it are passed through by the user of PostgreSQL
        yield Path(name).resolve()


@pytest.fixture(scope="module")
def built(folder: Path) -> tuple[Path, Path]:
    return build(ROOT, folder / "built")


@pytest.fixture(scope="module")
def made_of(built: tuple[Path, Path]) -> dict[str, Any]:
    with zipfile.ZipFile(built[0]) as wheel:
        (name,) = [name for name in wheel.namelist() if ".dist-info/sboms/" in name]
        found: dict[str, Any] = json.loads(wheel.read(name))
        return found


def test_a_build_from_the_sdist_elsewhere_gives_the_same_octets(
    built: tuple[Path, Path], folder: Path
) -> None:
    with tarfile.open(built[1]) as sdist:
        sdist.extractall(folder / "unpacked", filter="data")
    (tree,) = (folder / "unpacked").iterdir()
    for place in [tree, *tree.rglob("*")]:
        os.utime(place, (1, 1))
        place.chmod(0o700 if place.is_dir() else 0o600)
    again = build(tree, folder / "again", TZ="Pacific/Auckland", PYTHONHASHSEED="7", LC_ALL="C")
    assert [file.name for file in again] == [file.name for file in built]
    assert again[0].read_bytes() == built[0].read_bytes()
    assert again[1].read_bytes() == built[1].read_bytes()


def test_the_wheel_names_all_that_it_is_made_of(made_of: dict[str, Any]) -> None:
    bom = Bom.from_json(made_of)  # type: ignore[attr-defined]
    named = {component.name: component for component in bom.components}
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", lock, re.MULTILINE))
    assert {name: named[name].version for name in locked} == locked
    assert {"htmx.org", "@tiptap/core", "tailwindcss"} <= named.keys()
    assert all(component.licenses for component in bom.components)
    hashes = [h.content for e in named["asyncpg"].external_references for h in e.hashes]
    assert hashes
    assert all(f"sha256:{one}" in lock for one in hashes)


def test_it_says_who_needs_what_as_the_packages_themselves_do(made_of: dict[str, Any]) -> None:
    needs = {
        each["ref"]: {ref.split("/", 1)[1].split("@")[0] for ref in each["dependsOn"]}
        for each in made_of["dependencies"]
    }
    for ref in needs:
        assert ref.startswith(("pkg:pypi/", "pkg:npm/"))
    us = f"pkg:pypi/paceline@{made_of['metadata']['component']['version']}"
    assert {name.lower() for name in required_by("paceline")} <= needs[us]
    starlette = importlib.metadata.version("starlette")
    assert "anyio" in needs[f"pkg:pypi/starlette@{starlette}"]


def required_by(name: str) -> set[str]:
    """Those that are wanted here, without extras."""
    wanted = [Requirement(each) for each in importlib.metadata.requires(name) or ()]
    return {w.name for w in wanted if w.marker is None or w.marker.evaluate({"extra": ""})}


def run_time_packages(site: Path) -> None:
    """What requirements.lock names, and nothing else of what is installed for the tests."""
    site.mkdir()
    lock = (ROOT / "requirements.lock").read_text()
    for name in re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock, re.MULTILINE):
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        for top in {Path(file).parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(str(package.locate_file(top)))


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], folder: Path) -> Path:
    """The `bin` of a new environment, in which pip has installed the wheel; nothing is editable."""
    place = folder / "venv"
    venv.create(place, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    run_time_packages(folder / "packages")
    (site / "packages.pth").write_text(f"{folder / 'packages'}\n")
    # --no-index: were a dependency of the wheel not among those of the lock, this would fail.
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(place / "bin" / "python")),
            *("install", "--quiet", "--no-index", str(built[0])),
        ],
        check=True,
        env={**os.environ, "PIP_FIND_LINKS": ""},
    )
    return place / "bin"


def test_the_wheel_alone_takes_a_campaign_and_sends_it(installed: Path, folder: Path) -> None:
    """In an empty folder, without Node.js, a compiler or a server of the machine's on PATH."""
    place = folder / "empty"
    place.mkdir()
    place.chmod(0o711)
    port = free_port()
    environment = {
        "PATH": str(installed),
        "HOME": str(place),
        "PACELINE_HOME": str(place / "home"),
        "DEVINBOX_PORT": str(free_port()),
    }
    output = folder / "up.out"
    with output.open("wb") as stream:
        up = subprocess.Popen(
            [installed / "paceline", "up", "--port", str(port)],
            cwd=place,
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads here
        )
    try:
        link = printed_link(up, output)
        with httpx2.Client(follow_redirects=True, timeout=PATIENCE_SECONDS) as browser:
            signed_in(browser, link)
            (place / "leads.csv").write_text("email,name\nada@example.com,Ada\n")
            scheduled = subprocess.run(
                [
                    *(installed / "paceline", "schedule", "leads.csv", "--watch"),
                    *("--subject", "From a wheel", "--text", "Hello {{ name }}"),
                ],
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
            assert scheduled.returncode == 0, scheduled.stderr
            assert "1 sent, 0 failed" in scheduled.stdout
            assert "From a wheel" in browser.get(f"http://localhost:{port}/inbox").text
        up.send_signal(signal.SIGINT)
        assert up.wait(PATIENCE_SECONDS) == 0, output.read_text()
    finally:
        up.terminate()
        up.wait(PATIENCE_SECONDS)


def printed_link(up: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := re.search(r"http://\S+/auth/link\?token=\S+", output.read_text())):
        assert up.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)
    return found[0]


def signed_in(browser: httpx2.Client, link: str) -> None:
    """As a person: the link, its button if it has one, then a page with what it needs."""
    page = browser.get(link)
    if token := re.search(r'name="token" value="([^"]+)"', page.text):
        page = browser.post(
            link.partition("?")[0],
            data={"token": token[1]},
            headers={"Origin": link.partition("/auth")[0]},
        )
    assert page.status_code == 200, page.text
    assert "/sign-out" in page.text
    assets = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    assert any(each.endswith(".css") for each in assets)
    assert any(each.endswith(".js") for each in assets)
    for each in assets:
        assert browser.get(httpx2.URL(link).join(each)).status_code == 200
