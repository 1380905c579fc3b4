"""The stage that all fault tests share: private servers that may be crashed, and the sink."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.processes import Stage, stage


@pytest.fixture(scope="session")
def fault_stage() -> Iterator[Stage]:
    with stage() as private:
        yield private
