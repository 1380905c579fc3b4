"""The stages that all fault tests share: private servers that may be crashed, and sinks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.run import Stages, stages


@pytest.fixture(scope="session")
def fault_stages(servers_directory: Path) -> Iterator[Stages]:
    with stages(within=servers_directory.parent) as private:
        yield private
