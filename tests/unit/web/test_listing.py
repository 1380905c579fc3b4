"""What every list has in common: its state in the address, and what was ticked."""

from __future__ import annotations

import uuid

import pytest
from starlette.datastructures import FormData

from paceline.web.listing import MAX_SELECTED, Column, ListState, Selection


def read(**values: str) -> ListState:
    return ListState.read(values, path="/keys", filters=("q", "state"), sorts=("name", "used"))


def test_an_address_leads_back_to_the_same_list() -> None:
    state = read(q="ada & co", state="on", sort="-name", size="50", cursor="abc")
    assert state.url() == "/keys?q=ada+%26+co&state=on&sort=-name&size=50&cursor=abc"
    assert state.filtered
    assert read().url() == "/keys"
    assert not read().filtered


@pytest.mark.parametrize(
    "values", [{"sort": "password"}, {"size": "1000000"}, {"size": "x"}, {"other": "1"}]
)
def test_whatever_makes_no_sense_is_left_out(values: dict[str, str]) -> None:
    assert read(**values) == read()


def test_a_column_is_sorted_and_a_second_time_the_other_way_round() -> None:
    state = read(cursor="abc")
    assert state.direction("name") == "none"
    assert state.sorted_by("name") == "/keys?sort=name"
    assert read(sort="name").direction("name") == "ascending"
    assert read(sort="name").sorted_by("name") == "/keys?sort=-name"
    assert read(sort="-name").direction("name") == "descending"
    assert read(sort="-name").sorted_by("used") == "/keys?sort=used"


def test_another_page_keeps_the_filters_and_clearing_them_the_order() -> None:
    state = read(q="ada", sort="name", cursor="abc")
    assert state.after("next") == "/keys?q=ada&sort=name&cursor=next"
    assert state.after("") == "/keys?q=ada&sort=name"
    assert state.unfiltered == "/keys?sort=name"
    assert state.of_size(100) == "/keys?q=ada&sort=name&size=100"


def test_a_column_says_from_which_width_it_is_shown() -> None:
    assert Column(key="size", label="Size", wide_from="lg", align="end").classes == (
        "pl-from-lg pl-end"
    )
    assert Column(key="name", label="Name").classes == ""


def test_a_selection_holds_each_ticked_row_once_and_nothing_that_is_no_id() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    form = FormData([("selected", str(v)) for v in (one, two, one, "'; DROP TABLE")])
    assert Selection.read(form) == Selection(ids=(one, two), everything=False)
    assert not Selection.read(FormData([]))
    assert Selection.read(FormData([("everything", "yes")])).everything


def test_a_selection_is_bounded() -> None:
    form = FormData([("selected", str(uuid.uuid4())) for _ in range(MAX_SELECTED + 5)])
    assert len(Selection.read(form).ids) == MAX_SELECTED
