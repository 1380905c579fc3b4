"""Ids: version 7, strictly increasing, also within a millisecond and over threads."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from paceline.domain.identifiers import new_id, new_ids


def test_ids_are_version_7_uuids() -> None:
    made = new_id()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_ids_of_one_process_strictly_increase() -> None:
    ids = list(new_ids(20_000))
    assert all(before < after for before, after in pairwise(ids))


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(max_workers=4) as executor:
        made = [i for ids in executor.map(lambda _: list(new_ids(2_000)), range(4)) for i in ids]
    assert len(set(made)) == len(made)
