"""What is said about the secret key: whether it is the one that this installation's secrets need.

A process with another one could read no password, would take every sender for broken, and would
seal new ones so that nobody else can open them.
"""

from __future__ import annotations

from paceline.auth.secretbox import SecretBox, fingerprint
from paceline.bootstrap.preflight.findings import Finding, Unfit, Weight, heaviest
from paceline.persistence.database import Database
from paceline.persistence.stores import secret_keys
from paceline.settings import SecretSettings

_IF_LOST = (
    "if that one is lost, `paceline reseal --forget-unreadable` empties what it sealed, to be "
    "entered again"
)
_SETTINGS = ("PACELINE_SECRET_KEY", "PACELINE_SECRET_KEY_RETIRED")


async def look_at_key(database: Database, secrets: SecretSettings) -> list[Finding]:
    """Held against the fingerprint in the database; where there is none, against the secrets."""
    async with database.transaction() as session:
        noted = await secret_keys.noted(session)
        named = await secret_keys.key_ids(session)
    if noted is None:
        return [_of_the_secrets(SecretBox.of(secrets), named)]
    if noted == fingerprint(secrets.key):
        return [_holds(secrets, named)]
    if noted in {fingerprint(key) for key in secrets.retired}:
        told = "is new: secrets are still sealed with a retired one"
        return [_said(Weight.REMARK, told, "run `paceline reseal`")]
    return [_another()]


async def hold_to_key(database: Database, secrets: SecretSettings) -> None:
    """Note the key where none is noted, and hold this process to it. Raises `Unfit`."""
    findings = await look_at_key(database, secrets)
    if heaviest(findings) is Weight.FINE:
        async with database.transaction() as session:
            await secret_keys.note(session, fingerprint(secrets.key))
        findings = await look_at_key(database, secrets)  # another may have been first
    if heaviest(findings) is Weight.WRONG:
        raise Unfit(findings)


def _of_the_secrets(box: SecretBox, named: set[bytes]) -> Finding:
    if not named:
        return _said(Weight.FINE, "can be used: no secrets are sealed yet")
    if any(box.knows(key_id) for key_id in named):
        return _said(Weight.FINE, "opens the secrets that are stored")
    return _another()


def _holds(secrets: SecretSettings, named: set[bytes]) -> Finding:
    others = {key_id for key_id in named if not SecretBox(secrets.key).knows(key_id)}
    if not others:
        return _said(Weight.FINE, "is the one that this installation's secrets are sealed with")
    if all(SecretBox.of(secrets).knows(key_id) for key_id in others):
        told = "is the one that holds; some secrets are still sealed with a retired one"
        return _said(Weight.REMARK, told, "run `paceline reseal`")
    return _said(
        Weight.REMARK,
        "is the one that holds; some secrets are sealed with one that is not named here",
        f"name it in PACELINE_SECRET_KEY_RETIRED and run `paceline reseal`; {_IF_LOST}",
    )


def _another() -> Finding:
    return _said(
        Weight.WRONG,
        "this installation's secrets are sealed with another one",
        "set the one that the other processes have; to change it, name the old one in "
        f"PACELINE_SECRET_KEY_RETIRED and run `paceline reseal`; {_IF_LOST}",
    )


def _said(weight: Weight, says: str, remedy: str = "") -> Finding:
    return Finding(about="Secret key", weight=weight, says=says, remedy=remedy, settings=_SETTINGS)
