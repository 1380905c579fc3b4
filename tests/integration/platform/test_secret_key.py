"""One secret key per installation: another one is stopped at its start, a new one is changed to."""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from paceline import clock
from paceline.auth.secretbox import (
    SecretBox,
    SecretUnreadable,
    hook_url_label,
    smtp_password_label,
)
from paceline.bootstrap.preflight.findings import Finding, Unfit, Weight
from paceline.bootstrap.preflight.looking import Part, hold, preflight
from paceline.bootstrap.resealing import forget, reseal
from paceline.bootstrap.use_cases import use_cases
from paceline.delivery import DkimAlgorithm
from paceline.domain.lifecycle import SenderState
from paceline.errors import Conflict, InvalidInput
from paceline.persistence.standing import Standing
from paceline.sending.identities import identity_of
from paceline.services.resealing import Resealed
from paceline.services.senders import SenderPatch
from paceline.settings import SecretSettings, Settings
from tests.integration.platform.refusing import paceline
from tests.world import World, settings_for

OLD, NEW, STRANGE = b"o" * 32, b"n" * 32, b"s" * 32


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url)


def with_key(settings: Settings, key: bytes, *retired: bytes) -> Settings:
    return replace(settings, given_secrets=SecretSettings(key=key, retired=retired))


async def about_the_key(settings: Settings, home: Path) -> Finding:
    findings = await preflight(settings, Part.WORKER, home=home)
    (found,) = [finding for finding in findings if finding.about == "Secret key"]
    return found


async def sealed_sender(world: World, key: bytes) -> uuid.UUID:
    sender = await world.sender(port=2525)
    label = smtp_password_label(owner_id=world.owner_id, sender_id=sender)
    await world.execute(
        "UPDATE senders SET smtp_username = 'ann', smtp_password = $2 WHERE id = $1",
        sender,
        SecretBox(key).seal("hush", label=label),
    )
    return sender


def senders_of(done: Resealed) -> list[uuid.UUID]:
    return [sender.id for sender in done.unreadable]


async def password_of(world: World, sender: uuid.UUID, key: bytes) -> str:
    (row,) = await world.fetch("SELECT smtp_password FROM senders WHERE id = $1", sender)
    label = smtp_password_label(owner_id=world.owner_id, sender_id=sender)
    return SecretBox(key).open(row["smtp_password"], label=label)


async def test_the_first_process_notes_its_key_and_another_is_stopped(
    settings: Settings, tmp_path: Path
) -> None:
    await hold(with_key(settings, OLD))
    assert (await about_the_key(with_key(settings, OLD), tmp_path)).weight is Weight.FINE
    found = await about_the_key(with_key(settings, STRANGE), tmp_path)
    assert found.weight is Weight.WRONG
    assert "sealed with another one; set the one that the other processes have" in found.line()
    with pytest.raises(Unfit):
        await hold(with_key(settings, STRANGE))


@pytest.mark.parametrize("part", ["api", "worker"])
async def test_a_part_with_another_key_ends_with_one_line(
    part: str, settings: Settings, tmp_path: Path
) -> None:
    await hold(with_key(settings, OLD))
    code, said = await paceline(
        part,
        home=tmp_path,
        DATABASE_URL=settings.database.url,
        REDIS_URL=settings.redis.url,
        PACELINE_SECRET_KEY=base64.b64encode(STRANGE).decode(),
    )
    assert code == 78
    assert len(said) == 1
    assert "Secret key: this installation's secrets are sealed with another one" in said[0]
    assert "PACELINE_SECRET_KEY is set in the environment" in said[0]


async def test_before_a_key_is_noted_the_stored_secrets_say_which_it_is(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    await sealed_sender(world, OLD)
    assert (await about_the_key(with_key(settings, STRANGE), tmp_path)).weight is Weight.WRONG
    with pytest.raises(Unfit):
        await hold(with_key(settings, STRANGE))
    await hold(with_key(settings, OLD))


async def test_a_new_key_takes_over_and_the_old_one_is_not_needed_any_more(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    sender = await sealed_sender(world, OLD)
    await hold(with_key(settings, OLD))
    changing = with_key(settings, NEW, OLD)
    await hold(changing)
    told = await about_the_key(changing, tmp_path)
    assert told.weight is Weight.REMARK
    assert "run `paceline reseal`" in told.line()

    done = await reseal(changing)
    assert (done.secrets, done.unreadable) == (1, [])
    assert await password_of(world, sender, NEW) == "hush"
    with pytest.raises(SecretUnreadable):
        await password_of(world, sender, OLD)
    assert (await about_the_key(with_key(settings, NEW), tmp_path)).weight is Weight.FINE
    assert (await about_the_key(with_key(settings, OLD), tmp_path)).weight is Weight.WRONG
    assert (await reseal(changing)).secrets == 0


async def test_a_web_hook_is_sealed_anew_as_well(world: World, settings: Settings) -> None:
    label = hook_url_label(owner_id=world.owner_id)
    await world.execute(
        "INSERT INTO notification_settings (owner_id, hook_url) VALUES ($1, $2)",
        world.owner_id,
        SecretBox(OLD).seal("https://hooks.example/hush", label=label),
    )
    assert (await reseal(with_key(settings, NEW, OLD))).secrets == 1
    sealed = await world.fetchval("SELECT hook_url FROM notification_settings")
    assert SecretBox(NEW).open(sealed, label=label) == "https://hooks.example/hush"
    done = await reseal(with_key(settings, STRANGE))
    assert (done.secrets, done.settled) == (0, True)


async def test_what_no_key_opens_is_told_and_the_new_key_holds_all_the_same(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    await hold(with_key(settings, OLD))
    lost, good = await sealed_sender(world, STRANGE), await sealed_sender(world, OLD)
    done = await reseal(with_key(settings, NEW, OLD))
    assert (done.secrets, senders_of(done), done.settled) == (1, [lost], True)
    assert await password_of(world, good, NEW) == "hush"
    with pytest.raises(Unfit):
        await hold(with_key(settings, OLD))
    await hold(with_key(settings, NEW))
    told = await about_the_key(with_key(settings, NEW), tmp_path)
    assert told.weight is Weight.REMARK
    assert "some secrets are sealed with one that is not named here" in told.line()


async def test_a_strange_key_that_opens_nothing_is_not_noted(
    world: World, settings: Settings
) -> None:
    await hold(with_key(settings, OLD))
    lost = await sealed_sender(world, OLD)
    done = await reseal(with_key(settings, STRANGE))
    assert (done.secrets, senders_of(done)) == (0, [lost])
    await hold(with_key(settings, OLD))


async def test_what_an_old_process_sealed_behind_a_change_of_keys_is_caught_by_the_next_run(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    await hold(with_key(settings, OLD))
    changing = with_key(settings, NEW, OLD)
    assert (await reseal(changing)).settled
    late = await sealed_sender(world, OLD)
    told = await about_the_key(changing, tmp_path)
    assert told.weight is Weight.REMARK
    assert "some secrets are still sealed with a retired one" in told.line()
    done = await reseal(changing)
    assert (done.secrets, done.settled) == (1, True)
    assert await password_of(world, late, NEW) == "hush"
    assert (await about_the_key(with_key(settings, NEW), tmp_path)).weight is Weight.FINE


async def test_the_new_key_is_noted_before_the_first_secret_is_sealed_with_it(
    world: World, settings: Settings
) -> None:
    await hold(with_key(settings, OLD))
    await sealed_sender(world, OLD)
    await world.execute("ALTER TABLE senders ADD CONSTRAINT held CHECK (id IS NULL) NOT VALID")
    try:
        with pytest.raises(IntegrityError):
            await reseal(with_key(settings, NEW, OLD))
    finally:
        await world.execute("ALTER TABLE senders DROP CONSTRAINT held")
    with pytest.raises(Unfit):
        await hold(with_key(settings, OLD))
    await hold(with_key(settings, NEW, OLD))


async def test_many_senders_are_sealed_anew_in_pieces(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.persistence.stores.secret_keys.BATCH", 2)
    for _ in range(5):
        await sealed_sender(world, OLD)
    assert (await reseal(with_key(settings, NEW, OLD))).secrets == 5


async def test_a_lost_key_is_given_up_by_one_command_that_says_what_it_forgets(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    await hold(with_key(settings, OLD))
    lost, paused = await sealed_sender(world, OLD), await sealed_sender(world, OLD)
    good = await sealed_sender(world, NEW)
    await world.execute("UPDATE senders SET state = 'paused' WHERE id = $1", paused)
    there = {
        "home": tmp_path,
        "DATABASE_URL": settings.database.url,
        "REDIS_URL": settings.redis.url,
        "PACELINE_SECRET_KEY": base64.b64encode(NEW).decode(),
    }
    found = await about_the_key(with_key(settings, NEW), tmp_path)
    assert "`paceline reseal --forget-unreadable`" in found.line()
    code, said = await paceline("reseal", **there)
    assert code == 1
    assert "`paceline reseal --forget-unreadable` empties them" in said[-1]
    code, said = await paceline("reseal", "--forget-unreadable", **there)
    assert code == 1
    assert "nothing was forgotten; --yes does it" in said[-1]
    with pytest.raises(Unfit):
        await hold(with_key(settings, NEW))

    code, said = await paceline("reseal", "--forget-unreadable", "--yes", **there)
    assert code == 0, said
    assert "secrets of 2 senders open with none of the keys and will be forgotten:" in said
    assert f"  news@example.com ({lost}): password" in said
    assert "secrets of 2 senders forgotten" in said[-1]
    await hold(with_key(settings, NEW))
    assert (await about_the_key(with_key(settings, NEW), tmp_path)).weight is Weight.FINE
    rows = await world.fetch("SELECT id, state, state_reason, smtp_password FROM senders")
    told = "its password has to be entered again: the secret key that it was sealed with is lost"
    assert {row["id"]: (row["state"], row["state_reason"]) for row in rows} == {
        lost: ("broken", told),
        paused: ("paused", told),
        good: ("active", None),
    }
    assert {row["id"] for row in rows if row["smtp_password"] is None} == {lost, paused}
    assert await password_of(world, good, NEW) == "hush"
    (noted,) = await world.fetch("SELECT DISTINCT actor, action FROM audit_log")
    assert (noted["actor"], noted["action"]) == ("command line", "sender.changed")


async def test_a_secret_that_was_entered_again_meanwhile_is_not_forgotten(
    world: World, settings: Settings
) -> None:
    sender = await sealed_sender(world, OLD)
    done = await reseal(with_key(settings, NEW))
    label = smtp_password_label(owner_id=world.owner_id, sender_id=sender)
    again = SecretBox(NEW).seal("new", label=label)
    await world.execute("UPDATE senders SET smtp_password = $1", again)
    assert await forget(with_key(settings, NEW), done.unreadable) == 0
    assert await password_of(world, sender, NEW) == "new"


async def test_a_sender_whose_dkim_key_is_lost_sends_nothing_until_it_is_dropped(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    sealed = SecretBox(OLD).seal("x", label="x")
    sender = await world.sender(
        dkim_selector="s", dkim_domain="example.com", dkim_algorithm="rsa", dkim_key=sealed
    )
    there = with_key(settings, NEW)
    done = await reseal(there)
    assert await forget(there, done.unreadable) == 1
    assert (await reseal(there)).unreadable == []
    assert (await about_the_key(there, tmp_path)).weight is Weight.FINE
    async with use_cases(there) as cases:
        known = await cases.senders.get(world.owner_id, sender)
        assert (known.state, known.dkim is not None and known.dkim.is_lost) == ("broken", True)
        assert str(known.state_reason).startswith("its DKIM key has to be dropped")
        for asked in (
            cases.senders.verify(world.owner_id, sender),
            cases.senders.send_test(world.owner_id, sender, "ann@example.com"),
        ):
            with pytest.raises(Conflict, match="its DKIM key is lost"):
                await asked
        patch = SenderPatch(state=SenderState.ACTIVE)
        with pytest.raises(InvalidInput, match="its DKIM key is lost"):
            await cases.senders.patch(world.owner_id, sender, patch)
        changed = SenderPatch(smtp_port=2526, smtp_password=None)
        assert (await cases.senders.patch(world.owner_id, sender, changed)).state == "broken"
        row = await Standing(cases.database).account(sender)
        with pytest.raises(SecretUnreadable, match="its DKIM key is lost"):
            identity_of(SecretBox(NEW), sender, row, as_of=clock.now())

        await cases.senders.drop_dkim_key(world.owner_id, sender)
        dropped = await cases.senders.get(world.owner_id, sender)
        assert (dropped.dkim, dropped.state) == (None, "broken")
        assert dropped.state_reason == "its lost DKIM key is dropped: verify it to set it going"
        await cases.senders.make_dkim_key(world.owner_id, sender, DkimAlgorithm.ED25519)
        assert (await cases.senders.patch(world.owner_id, sender, patch)).state == "active"
