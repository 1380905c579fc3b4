"""What makes a sender acceptable, and what a change to one brings about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paceline.delivery import Account, Auth, Grant, Security, may_be_private, refuse_destination
from paceline.domain.bounds import MAX_CONNECTIONS
from paceline.domain.lifecycle import SenderState
from paceline.errors import InvalidInput
from paceline.persistence.stores.senders import SenderRecord
from paceline.services import dkim, sender_grants
from paceline.services.sender_grants import NewGrant
from paceline.services.validation import Problems

# Changing one of these may be what mends a broken sender.
_ACCOUNT = frozenset(
    {
        *("smtp_host", "smtp_port", "smtp_security"),
        *("smtp_auth", "smtp_username", "smtp_password", "smtp_oauth"),
        "from_address",
    }
)
# … and what a check of it is about.
_LOG_IN = _ACCOUNT - {"from_address"}
WELL_AGAIN: dict[str, object] = {
    "state": SenderState.ACTIVE,
    "state_reason": None,
    "resting_until": None,
    "host_failures": 0,
    "unreached_since": None,
}
_PARTS = {
    "host": "smtp_host",
    "port": "smtp_port",
    "username": "smtp_username",
    "password": "smtp_password",
    "grant": "smtp_oauth",
}
_SEALED = "x"  # stands in for a secret of whichever kind that is stored already
_SOMEWHERE = "https://x.invalid/"
_SOME_GRANT = Grant(token_endpoint=_SOMEWHERE, client_id=_SEALED, refresh_token=_SEALED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPolicy:
    """Whether senders may name servers in private networks and on unusual ports."""

    allow_private_hosts: bool


def checked(
    values: Mapping[str, Any], *, policy: HostPolicy, secret_is_set: bool, account: bool = True
) -> dict[str, Any]:
    """The values as they are stored. Raises `InvalidInput` with all that is wrong with them.

    `secret_is_set`: a password, token or grant is stored and kept. `account`: look at how its
    server is reached, too.
    """
    problems = Problems()
    name = problems.name("name", values["name"])
    address = problems.address("from_address", values["from_address"])
    from_name = problems.name("from_name", values["from_name"], required=False)
    problems.hourly_limit("hourly_limit", values["hourly_limit"])
    problems.min_delay_ms("min_delay_ms", values["min_delay_ms"])
    problems.whole_number(
        "max_connections", values["max_connections"], least=1, most=MAX_CONNECTIONS
    )
    host = values["smtp_host"].strip()
    grant = _completed(problems, values["smtp_oauth"], host, policy)
    if account:
        reached = {**values, "smtp_host": host, "smtp_oauth": grant}
        _check_account(problems, reached, policy, secret_is_set)
    problems.raise_if_any()
    return {
        "name": name,
        "from_address": address.address if address else None,
        "from_name": from_name,
        "smtp_host": host,
        "smtp_oauth": grant,
    }


def _completed(
    problems: Problems, given: NewGrant | None, host: str, policy: HostPolicy
) -> Grant | None:
    if given is None:
        return None
    try:
        return sender_grants.completed(given, host, any_endpoint=policy.allow_private_hosts)
    except InvalidInput as invalid:
        for problem in invalid.problems:
            problems.add(problem.field, problem.message)
        return _SOME_GRANT  # so that the rest is looked at, too


def _check_account(
    problems: Problems, values: Mapping[str, Any], policy: HostPolicy, secret_is_set: bool
) -> None:
    password = values["smtp_password"] or (_SEALED if secret_is_set else None)
    host, port = values["smtp_host"], values["smtp_port"]
    try:
        Account(
            host=host,
            port=port,
            security=values["smtp_security"],
            auth=values["smtp_auth"],
            username=values["smtp_username"],
            password=password,
            grant=values["smtp_oauth"],
        )
        refuse_destination(host, port, allow_private=policy.allow_private_hosts)
    except InvalidInput as invalid:
        for problem in invalid.problems:
            problems.add(_PARTS.get(problem.field, problem.field), problem.message)
    if (
        (password is not None or values["smtp_oauth"] is not None)
        and values["smtp_security"] is Security.NONE
        and not (policy.allow_private_hosts and may_be_private(host))
    ):
        problems.add("smtp_security", "none would send the password in the clear: use starttls")


def checked_changes(
    changes: dict[str, Any], before: SenderRecord, *, policy: HostPolicy
) -> dict[str, Any]:
    """The changes as they are stored, with what follows from them. Raises `InvalidInput`."""
    if changes.get("state") is SenderState.BROKEN:
        raise InvalidInput.of("state", "can be set to active or paused")
    _drop_other_secrets(changes)
    stored = {name: getattr(before, name) for name in SenderRecord.__slots__}
    stored |= {
        "smtp_security": Security(before.smtp_security),
        "smtp_auth": Auth(before.smtp_auth),
        "smtp_password": None,
        "smtp_oauth": None,
    }
    merged = {**stored, **changes}
    kept = any(
        stored_one is not None and name not in changes
        for name, stored_one in (
            ("smtp_password", before.smtp_password),
            ("smtp_oauth", before.smtp_grant),
        )
    )
    if kept and merged["smtp_auth"] != before.smtp_auth:
        # A password is never shown as a token, nor a token as a password.
        raise InvalidInput.of("smtp_password", "is missing: another smtp_auth needs another secret")
    if kept and (moved := _moved(merged, before)):
        # Whoever may change the server must not be able to have it told what nobody is shown.
        which = "smtp_oauth" if before.smtp_grant is not None else "smtp_password"
        raise InvalidInput.of(which, f"is needed again: the stored one is not told to {moved}")
    # One of before these rules can still be paused, renamed and slowed down.
    tidied = checked(
        merged, policy=policy, secret_is_set=kept, account=_is_another_account(changes, before)
    )
    changes |= {name: value for name, value in tidied.items() if name in changes}
    if _is_another_account(changes, before):
        changes["last_check"] = None  # was of another account
    mended = _ACCOUNT & changes.keys() and before.state != SenderState.PAUSED
    if before.has_lost_key:
        if changes.get("state") is SenderState.ACTIVE:
            raise InvalidInput.of("state", dkim.LOST)
        return changes
    if changes.get("state") is SenderState.ACTIVE or (mended and "state" not in changes):
        changes |= WELL_AGAIN
    return changes


def _is_another_account(changes: Mapping[str, Any], before: SenderRecord) -> bool:
    stored = {name: getattr(before, name) for name in _LOG_IN - {"smtp_oauth"}}
    stored["smtp_oauth"] = before.smtp_grant
    return any(changes[name] != stored[name] for name in _LOG_IN & changes.keys())


def _moved(merged: Mapping[str, Any], before: SenderRecord) -> str | None:
    """Where else a stored secret would go, by what it was meant for; None: where it always did."""
    if _host(merged["smtp_host"]) != _host(before.smtp_host):
        return "another server"
    if merged["smtp_port"] != before.smtp_port:
        return "another port"
    if merged["smtp_security"] != before.smtp_security:
        return "a server that is spoken to in another way"
    if merged["smtp_username"] != before.smtp_username:
        return "a server for another user"
    return None


def told(changes: Mapping[str, Any]) -> dict[str, object]:
    """What the audit log says of stored changes: of secrets, no more than that they changed."""
    follows = {"last_check", "state_reason", "resting_until", "resting_reason"}
    figures = {"state", "hourly_limit", "min_delay_ms", "smtp_host"}
    shown = {
        name: "none" if changes[name] is None else changes[name]
        for name in figures & changes.keys()
    }
    return {"changed": ", ".join(sorted(changes.keys() - follows)), **shown}


def _host(name: str) -> str:
    return name.strip().rstrip(".").lower()


def _drop_other_secrets(changes: dict[str, Any]) -> None:
    """There is one at a time: a new one, or none without a user, takes the place of the other."""
    if changes.get("smtp_username", "") is None:
        changes.setdefault("smtp_password", None)
        changes.setdefault("smtp_oauth", None)
    if changes.get("smtp_password") is not None:
        changes.setdefault("smtp_oauth", None)
    if changes.get("smtp_oauth") is not None:
        changes.setdefault("smtp_password", None)
        changes.setdefault("smtp_auth", Auth.XOAUTH2)
