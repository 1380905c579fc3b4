"""The sidebar: each screen once, administrators' for them alone."""

from __future__ import annotations

import uuid

from paceline.auth.principal import Principal
from paceline.domain.lifecycle import EmailList
from paceline.web.access import Viewer
from paceline.web.navigation import GROUPS, Entry, groups_for


def shown(*, is_admin: bool) -> list[Entry]:
    principal = Principal(
        user_id=uuid.uuid4(), email="ada@example.org", name="Ada", is_admin=is_admin
    )
    groups = groups_for(Viewer(principal=principal, csrf="x"))
    assert all(group.entries for group in groups)
    return [entry for group in groups for entry in group.entries]


ENTRIES = [entry for group in GROUPS for entry in group.entries]


def test_every_entry_has_a_key_and_a_place_of_its_own() -> None:
    assert len({entry.key for entry in ENTRIES}) == len(ENTRIES)
    assert len({entry.path for entry in ENTRIES}) == len(ENTRIES)


def test_each_list_of_emails_is_there_with_its_count() -> None:
    lists = [entry.count for entry in ENTRIES if entry.key.startswith("emails-")]
    assert lists == list(EmailList)


def test_only_administrators_are_shown_what_is_theirs() -> None:
    assert shown(is_admin=True) == ENTRIES
    assert shown(is_admin=False) == [entry for entry in ENTRIES if not entry.for_admins]
