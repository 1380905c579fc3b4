"""The stages that all fault tests share: private servers that may be crashed, and sinks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.run import Stages, stages


@pytest.fixture(scope="session")
def fault_stages() -> Iterator[Stages]:
    with stages() as private:
        yield private
