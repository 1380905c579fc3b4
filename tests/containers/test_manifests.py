"""What runs it without a compose file: manifests and units, by their checkers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from paceline.settings import NAMES
from tests.containers.stack import ROOT

MANIFESTS = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
VERSIONS = ("1.31", kubernetes_validate.latest_version())
EXPOSED_AT_MOST = 20  # of 100, as `systemd-analyze security` counts


def documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


def pods(file: Path) -> list[dict[str, Any]]:
    return [
        each["spec"]["template"]["spec"]
        for each in documents(file)
        if each["kind"] in {"Deployment", "Job"}
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_every_manifest_is_what_kubernetes_knows_and_nothing_else(file: Path, version: str) -> None:
    for each in documents(file):
        kubernetes_validate.validate(each, version, strict=True)


def test_a_manifest_with_a_slip_of_the_pen_would_be_found() -> None:
    [each] = [d for d in documents(MANIFESTS[0]) if d["kind"] == "Deployment"]
    each["spec"]["replica"] = each["spec"].pop("replicas")
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)


@pytest.mark.parametrize(
    "file", [f for f in MANIFESTS if f.stem != "settings"], ids=lambda file: file.stem
)
def test_every_container_is_bounded_unprivileged_and_cannot_write_its_root(file: Path) -> None:
    [pod] = pods(file)
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        held = container["securityContext"]
        assert held["readOnlyRootFilesystem"] is True
        assert held["allowPrivilegeEscalation"] is False
        assert held["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("name", ["api", "worker"])
def test_alive_and_ready_are_asked_apart(name: str) -> None:
    [pod] = pods(ROOT / f"deploy/kubernetes/{name}.yaml")
    [container] = pod["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_every_setting_in_the_compose_file_is_one() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {
        name
        for each in services.values()
        if each["image"] == "paceline"
        for name in each["environment"]
    }
    assert ours - {"PGPASSFILE"} <= NAMES  # that one is PostgreSQL's


def test_every_setting_in_the_manifests_is_one() -> None:
    named = {
        each["name"]
        for file in MANIFESTS
        for pod in pods(file)
        for container in pod["containers"]
        for each in container["env"]
    }
    [settings] = [d for d in documents(ROOT / "deploy/kubernetes/settings.yaml") if "data" in d]
    assert named | set(settings["data"]) <= NAMES


def test_systemd_understands_every_unit_and_finds_them_well_kept(tmp_path: Path) -> None:
    program = tmp_path / "opt/paceline/bin/paceline"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    place = tmp_path / "etc/systemd/system"
    place.mkdir(parents=True)
    for unit in UNITS:
        (place / unit.name).write_text(unit.read_text())
    names = [str(place / unit.name.replace("@.", "@1.")) for unit in UNITS]
    (place / "paceline-worker@1.service").symlink_to("paceline-worker@.service")
    for name in names:
        assert analyzed("verify", "--recursive-errors=no", f"--root={tmp_path}", name) == ""
        analyzed("security", "--offline=yes", f"--threshold={EXPOSED_AT_MOST}", name)


def analyzed(*arguments: str) -> str:
    ran = subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stderr
