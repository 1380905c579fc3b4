"""A list's state lives in its address."""

from __future__ import annotations

import uuid

import pytest

from paceline.domain.lifecycle import EmailList
from paceline.web.access import local_path, sign_in_url
from paceline.web.app import allowed_hosts
from paceline.web.list_query import ListQuery

CAMPAIGN = uuid.UUID("0191d5a0-0000-7000-8000-000000000000")


def test_an_address_says_what_it_was_made_from() -> None:
    query = ListQuery.read({"tab": "sent", "q": "ada & co", "campaign": str(CAMPAIGN)})
    assert query.url() == f"/emails?tab=sent&q=ada+%26+co&campaign={CAMPAIGN}"


def test_another_tab_keeps_the_filters_and_starts_over() -> None:
    query = ListQuery.read({"q": "ada", "cursor": "abc"})
    assert query.on_tab(EmailList.FAILED) == "/emails?tab=failed&q=ada"


@pytest.mark.parametrize(
    "values", [{"tab": "nope"}, {"campaign": "x"}, {"sender": "'; DROP TABLE"}, {"other": "1"}]
)
def test_whatever_makes_no_sense_is_left_out(values: dict[str, str]) -> None:
    assert ListQuery.read(values) == ListQuery()


def test_a_campaigns_own_list_names_it_by_its_path() -> None:
    query = ListQuery.read({"tab": "sent"}, path=f"/campaigns/{CAMPAIGN}", campaign=CAMPAIGN)
    assert query.url() == f"/campaigns/{CAMPAIGN}?tab=sent"
    assert not query.filtered


@pytest.mark.parametrize(
    ("values", "key", "leads_to", "direction"),
    [
        ({}, "time", "-time", "ascending"),
        ({"sort": "-time"}, "time", "", "descending"),
        ({"tab": "sent"}, "time", "time", "descending"),
        ({"tab": "sent", "sort": "time"}, "time", "", "ascending"),
        ({"sort": "recipient"}, "time", "", "none"),
        ({}, "recipient", "recipient", "none"),
        ({"sort": "recipient"}, "recipient", "-recipient", "ascending"),
        ({"sort": "-recipient"}, "recipient", "recipient", "descending"),
        ({"sort": "campaign"}, "status", "status", "none"),
        ({"sort": "subject"}, "time", "-time", "ascending"),
    ],
)
def test_a_heading_sorts_by_its_column_and_a_second_time_the_other_way_round(
    values: dict[str, str], key: str, leads_to: str, direction: str
) -> None:
    query = ListQuery.read(values)
    assert query.direction(key) == direction
    assert query.sorted_by(key) == ListQuery.read({**values, "sort": leads_to}).url()


def test_another_list_begins_in_its_own_order() -> None:
    query = ListQuery.read({"sort": "-recipient"})
    assert query.on_tab(EmailList.SENT) == "/emails?tab=sent"


@pytest.mark.parametrize("path", ["/", "/campaigns?x=1", "/emails/5"])
def test_the_way_back_may_be_any_of_our_pages(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "/\tevil",
        "evil",
        "/" + "x" * 3000,
    ],
)
def test_the_way_back_never_leads_away(path: str | None) -> None:
    assert local_path(path) == "/"


def test_the_sign_in_page_remembers_the_way_back() -> None:
    assert sign_in_url("/emails?tab=sent&q=a") == "/login?next=/emails%3Ftab%3Dsent%26q%3Da"
    assert sign_in_url("/") == "/login"


@pytest.mark.parametrize(
    ("base_url", "hosts"),
    [
        ("http://localhost:3001", ["localhost", "127.0.0.1", "[::1]"]),
        ("http://[::1]:3001", ["localhost", "127.0.0.1", "[::1]"]),
        ("https://mail.example.com", ["mail.example.com"]),
    ],
)
def test_only_our_own_host_names_are_answered_to(base_url: str, hosts: list[str]) -> None:
    assert allowed_hosts(base_url) == hosts
