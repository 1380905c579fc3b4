"""Every act has words, and strange details do no harm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from paceline.domain.acts import Act, Family, plain
from paceline.domain.identifiers import new_id
from paceline.persistence.stores.audit import AuditRecord
from paceline.web.audit_words import FAMILIES, details, page_of, what

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def entry(action: str, **detail: object) -> AuditRecord:
    return AuditRecord(id=1, actor="Ada", action=action, subject="x", detail=detail, at=NOW)


def test_every_act_has_words_and_a_family_that_can_be_chosen() -> None:
    assert all(what(entry(act)) != act for act in Act)
    assert {act for family, _ in FAMILIES for act in family.acts} == set(Act)
    assert {family for family, _ in FAMILIES} == set(Family)


def test_an_act_of_another_version_is_shown_by_its_name() -> None:
    assert what(entry("cake.baked", layers=3)) == "cake.baked"
    assert details(entry("cake.baked", layers=3), now=NOW, zone=UTC) == []
    assert page_of(entry("cake.baked", id="x"), new_id()) == ""


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"by": "link"}, "by a link"),
        ({"why": "domain"}, "outside ALLOWED_DOMAINS"),
        ({"why": "no such reason"}, "no such reason"),
        ({"logged_in": False}, "it could not log in"),
        ({"min_delay_ms": 1500}, "delay 1.5 s"),
        ({"done": 12000}, "done 12,000"),
        ({"start_at": "yesterday"}, "starts yesterday"),
    ],
)
def test_details_are_told_in_words(detail: dict[str, object], told: str) -> None:
    assert details(entry(Act.CHANGED, **detail), now=NOW, zone=UTC) == [told]


def test_text_of_strangers_is_cut_and_loses_what_cannot_be_printed() -> None:
    assert plain("a\x00b\u202ec\r\n") == "a�b�c��"
    assert len(plain("x" * 1000)) == 300
