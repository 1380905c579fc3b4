"""Which words a text is found by, and which a question asks for."""

from __future__ import annotations

import pytest

from paceline.domain.search_words import MAX_WORD, Asked, asked_for, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna.Meyer42@mail.example.com", ["anna", "meyer", "42", "mail", "example", "com"]),
        ("Jürgen Østergård", ["jurgen", "ostergard"]),
        ("Ju\u0308rgen Straße", ["jurgen", "strasse"]),
        ("Nguyễn Łódź İzmir ΑΘΉΝΑ", ["nguyen", "lodz", "izmir", "αθηνα"]),
        ("2nd 3rd-party", ["2nd", "3rd", "party"]),
        ("o'hara_42", ["o", "hara", "42"]),
        ("李明華", ["李明", "明華", "華"]),
        ("iPhone手機", ["iphone", "手機", "機"]),
        ("김민수", ["김민", "민수", "수"]),
        ("… % _ \\ '", []),
        ("x" * 200, ["x" * MAX_WORD]),
        ("ü" * 200, ["u" * MAX_WORD]),
    ],
)
def test_words_are_small_without_accents_and_apart(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("lind anna", [("lind", True), ("anna", True)]),
        ("me anna", [("me", False), ("anna", True)]),
        ("anna me", [("anna", True), ("me", True)]),
        ("meyer42", [("meyer", True), ("42", True)]),
        ("明", [("明", True)]),
        ("李明華", [("李明", False), ("明華", False)]),
        ("anna anna", [("anna", True)]),
        ("--", []),
    ],
)
def test_each_word_of_three_characters_is_a_beginning_and_so_is_the_last(
    question: str, asked: list[tuple[str, bool]]
) -> None:
    assert asked_for(question) == [Asked(word, begins) for word, begins in asked]
