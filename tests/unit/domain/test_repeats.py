"""How many get a subject again, in words."""

from __future__ import annotations

import pytest

from paceline.domain.repeats import MAX_COMPARED, these_recipients_get


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 of these recipients gets"),
        (49_999, "49,999 of these recipients get"),
        (MAX_COMPARED, "at least 50,000 of these recipients get"),
    ],
)
def test_no_more_are_said_to_be_known_than_were_looked_for(count: int, said: str) -> None:
    assert these_recipients_get(count) == said
