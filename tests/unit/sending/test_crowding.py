"""How many connections a sender may open after some were refused."""

from __future__ import annotations

import uuid

from paceline.sending.crowding import RAISE_AFTER_SECONDS, Crowding

SENDER = uuid.uuid4()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_sender_opens_as_many_as_its_settings_say() -> None:
    assert Crowding().width(SENDER, 4) == 4


def test_what_was_refused_is_left_out_from_then_on() -> None:
    crowding = Crowding()
    assert crowding.refused(SENDER, of=4, refused=2) == 2
    assert crowding.width(SENDER, 4) == 2
    assert crowding.width(uuid.uuid4(), 4) == 4


def test_one_connection_is_always_left() -> None:
    crowding = Crowding()
    assert crowding.refused(SENDER, of=1, refused=3) == 1
    assert crowding.width(SENDER, 4) == 1


def test_more_are_tried_one_by_one_and_no_more_than_the_settings_say() -> None:
    clock = Clock()
    crowding = Crowding(now=clock)
    crowding.refused(SENDER, of=4, refused=3)
    widths = []
    for _ in range(5):
        widths.append(crowding.width(SENDER, 4))
        clock.now += RAISE_AFTER_SECONDS
    assert widths == [1, 2, 3, 4, 4]


def test_a_setting_that_was_lowered_counts_at_once() -> None:
    crowding = Crowding()
    crowding.refused(SENDER, of=4, refused=1)
    assert crowding.width(SENDER, 2) == 2
