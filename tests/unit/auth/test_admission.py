"""Who may be here: ADMINS, ALLOWED_DOMAINS, and a machine that nobody else can reach."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from paceline.auth.admission import Admission, Vouched, vouched_domain
from paceline.auth.refusals import Refusal
from paceline.persistence.stores.identity import UserRecord

NOWHERE: Any = {"only_this_machine": False}
DOMAIN: Any = {"allowed_domains": frozenset({"corp.com"}), **NOWHERE}
ADMINS: Any = {"admins": frozenset({"boss@corp.com"}), **NOWHERE}


@pytest.mark.parametrize(
    ("email", "hosted", "is_google", "domain"),
    [
        ("ada@corp.com", "Corp.com", True, "corp.com"),
        ("ada@alias.example", "corp.com", True, "corp.com"),  # another domain of the same Workspace
        ("ada@corp.com", None, True, None),  # a private account with an address of the company
        ("ada@corp.com", "", True, None),
        ("ada@gmail.com", None, True, "gmail.com"),
        ("ada@Corp.com", None, False, "corp.com"),
        ("ada@corp.com", "evil.test", False, "corp.com"),  # a claim of Google's alone
    ],
)
def test_googles_word_for_a_member_is_hd_and_not_the_address(
    email: str, hosted: str | None, is_google: bool, domain: str | None
) -> None:
    assert vouched_domain(email, hosted=hosted, is_google=is_google) == domain


@pytest.mark.parametrize(
    ("rules", "email", "domain", "refusal"),
    [
        ({}, "ada@corp.com", None, None),
        (NOWHERE, "ada@corp.com", None, Refusal.NOBODY_CHOSEN),
        (DOMAIN, "ada@corp.com", "corp.com", None),
        (DOMAIN, "ada@corp.com", None, Refusal.DOMAIN),
        (DOMAIN, "ada@sub.corp.com", "sub.corp.com", Refusal.DOMAIN),
        (ADMINS, "Boss@Corp.com", None, None),
        (ADMINS, "ada@corp.com", "corp.com", Refusal.NOT_LISTED),
        ({**DOMAIN, **ADMINS}, "ada@corp.com", "corp.com", None),
    ],
)
def test_who_may_sign_in(
    rules: dict[str, Any], email: str, domain: str | None, refusal: Refusal | None
) -> None:
    person = Vouched(issuer="i", subject="s", email=email, name="Ada", domain=domain)
    assert Admission(**rules).refusal(person) is refusal


@pytest.mark.parametrize(
    ("rules", "issuer", "email", "domain", "stays"),
    [
        ({}, "https://id.example", "ada@corp.com", "corp.com", True),
        (NOWHERE, "https://id.example", "ada@corp.com", "corp.com", False),
        (NOWHERE, "local", "ada@corp.com", None, True),  # invited
        (DOMAIN, "https://id.example", "ada@corp.com", "corp.com", True),
        (DOMAIN, "https://id.example", "ada@corp.com", None, False),
        (DOMAIN, "local", "ada@corp.com", None, True),
        (DOMAIN, "local", "eve@elsewhere.org", None, False),
        (ADMINS, "https://id.example", "boss@corp.com", "corp.com", True),
        (ADMINS, "https://id.example", "ada@corp.com", "corp.com", False),
        (ADMINS, "local", "ada@corp.com", None, True),
    ],
)
def test_who_may_stay(
    rules: dict[str, Any], issuer: str, email: str, domain: str | None, stays: bool
) -> None:
    user = UserRecord(
        id=uuid.uuid4(),
        issuer=issuer,
        subject="s",
        email=email,
        name="Ada",
        is_admin=False,
        vouched_domain=domain,
    )
    assert Admission(**rules).permits(user) is stays


def test_the_owner_always_may() -> None:
    owner = UserRecord(
        id=uuid.uuid4(), issuer="local", subject="owner", email=None, name="Owner", is_admin=True
    )
    assert Admission(**{**DOMAIN, **ADMINS}).permits(owner)
