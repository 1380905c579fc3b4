from __future__ import annotations

import uuid

import pytest

from paceline.auth.secretbox import (
    SecretBox,
    SecretUnreadable,
    dkim_key_label,
    smtp_password_label,
)

OWNER, ANN, BOB = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
KEY, OTHER = b"k" * 32, b"o" * 32


def label(sender: uuid.UUID) -> str:
    return smtp_password_label(owner_id=OWNER, sender_id=sender)


def test_a_secret_comes_back_as_it_was_and_never_looks_the_same_twice() -> None:
    box = SecretBox(KEY)
    first, second = (box.seal("pä$$", label=label(ANN)) for _ in range(2))
    assert box.open(first, label=label(ANN)) == "pä$$"
    assert first != second
    assert "pä$$".encode() not in first


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    box = SecretBox(KEY)
    with pytest.raises(SecretUnreadable, match="does not belong"):
        box.open(box.seal("p", label=label(ANN)), label=label(BOB))


def test_a_secret_moved_to_another_column_does_not_open() -> None:
    box = SecretBox(KEY)
    sealed = box.seal("p", label=dkim_key_label(owner_id=OWNER, sender_id=ANN))
    with pytest.raises(SecretUnreadable, match="does not belong"):
        box.open(sealed, label=label(ANN))


@pytest.mark.parametrize("position", [0, 2, 6, 20, -1])
def test_a_secret_with_one_bit_changed_does_not_open(position: int) -> None:
    box = SecretBox(KEY)
    sealed = bytearray(box.seal("p", label=label(ANN)))
    sealed[position] ^= 1
    with pytest.raises(SecretUnreadable):
        box.open(bytes(sealed), label=label(ANN))


def test_a_secret_of_another_key_says_so() -> None:
    sealed = SecretBox(OTHER).seal("p", label=label(ANN))
    with pytest.raises(SecretUnreadable, match="PACELINE_SECRET_KEY"):
        SecretBox(KEY).open(sealed, label=label(ANN))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01abcd"])
def test_rubbish_in_place_of_a_secret_is_refused(sealed: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        SecretBox(KEY).open(sealed, label=label(ANN))


def test_a_retired_key_still_opens_what_it_sealed() -> None:
    sealed = SecretBox(OTHER).seal("p", label=label(ANN))
    assert SecretBox(KEY, retired=[OTHER]).open(sealed, label=label(ANN)) == "p"


def test_a_key_of_the_wrong_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretBox(b"short")
