"""Cursors: given out by a list and taken back, or refused, whatever they hold."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from paceline.errors import InvalidInput
from paceline.persistence.stores.segments import Position, Segment
from paceline.services.cursors import pack, pack_position, unpack, unpack_position

ID = "0190a000-0000-7000-8000-000000000000"


def test_a_position_comes_back_as_it_was_given_out() -> None:
    at = datetime(2027, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
    position = Position(segment=Segment.SENT, at=at, email_id=uuid.UUID(ID))
    assert unpack_position(pack_position(position)) == position


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_whose_offset_leads_out_of_the_calendar_is_refused(at: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        unpack_position(pack("sent", at, ID))


@pytest.mark.parametrize("text", ["a\0b@x.org", "\ud800"])
def test_text_that_no_database_takes_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        unpack(pack(text), parts=1)
