"""Installs the stack of `peers/node`: npm packages by its lock file, and Prisma's client.

Only `make bench` does this, once. Nothing of it enters the product or its tests.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from hatch_build import (
    NODE_FROM_PYPI,
    Toolchain,
    bundled_toolchain,
    system_node_will_do,
    system_toolchain,
)

HERE = Path(__file__).parent / "peers" / "node"
TIMEOUT_SECONDS = 300
INPUTS = ("package.json", "package-lock.json", "prisma/schema.prisma")


class NotInstalled(Exception):
    """Node.js or the packages cannot be had here."""


def installed() -> Toolchain:
    """Node.js, with everything in place. Raises `NotInstalled`."""
    try:
        tools = toolchain()
        stamp = HERE / "node_modules" / ".inputs"
        wanted = _digest()
        if not stamp.exists() or stamp.read_text() != wanted:
            print("  installing bench/peers/node (npm ci) …", flush=True)
            _run([*tools.npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], tools)
            _generate(tools)
            stamp.write_text(wanted)
        return tools
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(str(error)) from error


def toolchain() -> Toolchain:
    """This machine's Node.js, else that of PyPI, put into the virtual environment."""
    return system_toolchain() if system_node_will_do() else _from_pypi()


def _from_pypi() -> Toolchain:
    folder = Path(sys.prefix, "node")
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wheels = ["--only-binary=:all:", "--target", str(folder), NODE_FROM_PYPI]
        subprocess.run([*pip, *wheels], check=True, timeout=TIMEOUT_SECONDS)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return bundled_toolchain()


def _generate(tools: Toolchain) -> None:
    """Prisma's client, whose query compiler is in the npm package.

    The command line would fetch a schema engine, which makes migrations and no client. Naming
    another program keeps it from that; the program is never run.
    """
    env = {"PRISMA_SCHEMA_ENGINE_BINARY": sys.executable, "CHECKPOINT_DISABLE": "1"}
    command = [*tools.node, "node_modules/prisma/build/index.js", "generate"]
    _run(command, tools._replace(env={**tools.env, **env}))


def _run(command: list[str], tools: Toolchain) -> None:
    done = subprocess.run(
        command,
        cwd=HERE,
        env=tools.env,
        check=False,
        timeout=TIMEOUT_SECONDS,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotInstalled(f"{' '.join(command[-2:])} failed: {''.join(last)}")


def _digest() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in INPUTS)).hexdigest()
