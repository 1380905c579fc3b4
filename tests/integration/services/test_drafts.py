"""Drafts: kept as they were typed, bounded, each owner's own, never overwritten unseen."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from paceline.domain.identifiers import new_id
from paceline.errors import Conflict, InvalidInput, NotFound, Outdated
from paceline.persistence.database import Database
from paceline.services import draft_room
from paceline.services import drafts as module
from paceline.services.drafts import Drafts, Saving, mark_scheduled, reopen
from tests.world import World

HERE, THERE = Saving(version=0, page="here"), Saving(version=0, page="there")


@pytest.fixture
def drafts(database: Database) -> Drafts:
    return Drafts(database)


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def test_what_makes_no_sense_is_kept_as_it_was_typed(drafts: Drafts, world: World) -> None:
    draft_id = new_id()
    typed = {"subject": "Hi {{ na", "start": "soon", "hourly_limit": "-x", "body": "a\x00b \ud800"}
    await drafts.save(world.owner_id, draft_id, typed, HERE)
    kept = await drafts.get(world.owner_id, draft_id)
    assert (kept.subject, kept.start, kept.hourly_limit) == ("Hi {{ na", "soon", "-x")
    assert kept.body == "ab ?"


async def test_a_save_changes_only_the_fields_it_names(drafts: Drafts, world: World) -> None:
    draft_id = new_id()
    first = await drafts.save(world.owner_id, draft_id, {"subject": "A", "body": "B"}, HERE)
    saving = Saving(version=first.version, page="here")
    second = await drafts.save(world.owner_id, draft_id, {"body": "C"}, saving)
    assert (second.subject, second.body) == ("A", "C")
    assert second.version == first.version + 1
    same = await drafts.save(world.owner_id, draft_id, {"body": "C"}, saving)
    assert same.version == second.version


async def test_two_pages_do_not_overwrite_each_other(drafts: Drafts, world: World) -> None:
    draft_id = new_id()
    first = await drafts.save(world.owner_id, draft_id, {"subject": "Here"}, HERE)
    with pytest.raises(Outdated):
        await drafts.save(world.owner_id, draft_id, {"subject": "There"}, THERE)
    with pytest.raises(Outdated):
        await drafts.put_list(world.owner_id, draft_id, "a.csv", pieces(b"x"), THERE)
    assert (await drafts.get(world.owner_id, draft_id)).subject == "Here"
    meant = Saving(version=first.version, page="there")
    assert (await drafts.save(world.owner_id, draft_id, {"subject": "There"}, meant)).subject
    with pytest.raises(Outdated):
        await drafts.save(world.owner_id, draft_id, {"subject": "Here again"}, HERE)


async def test_a_page_whose_answer_was_lost_goes_on_and_a_late_save_changes_nothing(
    drafts: Drafts, world: World
) -> None:
    draft_id = new_id()
    await drafts.save(world.owner_id, draft_id, {"body": "1"}, Saving(version=0, page="p", turn=1))
    await drafts.save(world.owner_id, draft_id, {"body": "3"}, Saving(version=0, page="p", turn=3))
    late = Saving(version=0, page="p", turn=2)
    assert (await drafts.save(world.owner_id, draft_id, {"body": "2"}, late)).body == "3"


async def test_a_list_is_kept_in_pieces_and_replaced_as_a_whole(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE_OCTETS", 4)
    draft_id = new_id()
    await drafts.save(world.owner_id, draft_id, {}, HERE)
    first = await drafts.put_list(
        world.owner_id, draft_id, "a.csv", pieces(b"abc", b"defghi"), HERE
    )
    assert [piece async for piece in drafts.list_of(first)] == [b"abcd", b"efgh", b"i"]
    second = await drafts.put_list(world.owner_id, draft_id, "b.csv", pieces(b"xy"), HERE)
    assert [piece async for piece in drafts.list_of(second)] == [b"xy"]
    assert (second.list_name, second.list_octets) == ("b.csv", 2)
    assert second.list_id != first.list_id
    empty = await drafts.drop_list(world.owner_id, draft_id, HERE)
    assert [piece async for piece in drafts.list_of(empty)] == []


async def test_there_is_an_end_to_how_much_is_kept(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, draft_id = world.owner_id, new_id()
    with pytest.raises(InvalidInput, match="too long"):
        await drafts.save(owner, draft_id, {"name": "x" * 4_001}, HERE)
    await drafts.save(owner, draft_id, {}, HERE)
    monkeypatch.setattr(module, "MAX_DRAFTS", 1)
    with pytest.raises(InvalidInput, match="1 drafts already"):
        await drafts.save(owner, new_id(), {}, HERE)
    await drafts.save(owner, draft_id, {"name": "still"}, HERE)
    monkeypatch.setattr(module, "MAX_DRAFTS", 2)
    monkeypatch.setattr(draft_room, "MAX_WRITTEN_OCTETS", 5)
    await drafts.put_list(owner, draft_id, "a.csv", pieces(b"12345"), HERE)
    await drafts.put_list(owner, draft_id, "a.csv", pieces(b"54321"), HERE)
    other = new_id()
    with pytest.raises(InvalidInput, match="no room"):
        await drafts.put_list(owner, other, "b.csv", pieces(b"6"), HERE)


async def test_of_what_was_deleted_no_more_is_kept_than_may_be_written(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DRAFTS", 2)
    deleted = [new_id() for _ in range(4)]
    for draft_id in deleted:
        await drafts.save(world.owner_id, draft_id, {"body": "x"}, HERE)
        await drafts.delete(world.owner_id, draft_id)
    for draft_id in deleted[:2]:
        with pytest.raises(NotFound):
            await drafts.get(world.owner_id, draft_id)
    for draft_id in deleted[2:]:
        assert (await drafts.restore(world.owner_id, draft_id)).deleted_at is None


async def test_a_deleted_draft_makes_room_and_goes_for_good_where_that_is_short(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_room, "MAX_WRITTEN_OCTETS", 5)
    monkeypatch.setattr(draft_room, "MAX_KEPT_OCTETS", 10)
    owner, first, second, third = world.owner_id, new_id(), new_id(), new_id()
    await drafts.put_list(owner, first, "a.csv", pieces(b"12345"), HERE)
    await drafts.delete(owner, first)
    await drafts.put_list(owner, second, "b.csv", pieces(b"12345"), HERE)
    with pytest.raises(InvalidInput, match="draft: leaves no room: delete drafts"):
        await drafts.restore(owner, first)
    await drafts.delete(owner, second)
    await drafts.put_list(owner, third, "c.csv", pieces(b"12345"), HERE)
    assert (await drafts.get(owner, second)).deleted_at
    with pytest.raises(NotFound):
        await drafts.get(owner, first)


async def test_what_is_scheduled_takes_no_room_of_drafts_but_is_bounded(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_room, "MAX_WRITTEN_OCTETS", 5)
    monkeypatch.setattr(draft_room, "MAX_KEPT_OCTETS", 6)
    owner, scheduled, other = world.owner_id, new_id(), new_id()
    await drafts.put_list(owner, scheduled, "a.csv", pieces(b"12345"), HERE)
    campaign = await world.campaign(await world.sender())
    await world.execute("UPDATE drafts SET campaign_id = $2 WHERE id = $1", scheduled, campaign)
    await drafts.put_list(owner, other, "b.csv", pieces(b"1"), HERE)
    with pytest.raises(InvalidInput, match="beside what is scheduled"):
        await drafts.put_list(owner, other, "b.csv", pieces(b"12"), HERE)
    assert (await drafts.get(owner, other)).list_octets == 1


async def test_nobody_gets_past_a_bound_by_asking_several_times_at_once(
    drafts: Drafts, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = world.owner_id
    gone = new_id()
    await drafts.save(owner, gone, {}, HERE)
    await drafts.delete(owner, gone)
    monkeypatch.setattr(module, "MAX_DRAFTS", 3)
    ids = [new_id() for _ in range(8)]
    made = await asyncio.gather(
        *(drafts.save(owner, each, {}, HERE) for each in ids), return_exceptions=True
    )
    kept = [draft.id for draft in made if not isinstance(draft, BaseException)]
    assert len(kept) == 3
    with pytest.raises(InvalidInput, match="3 drafts already"):
        await drafts.restore(owner, gone)
    monkeypatch.setattr(draft_room, "MAX_WRITTEN_OCTETS", 7)
    stored = await asyncio.gather(
        *(drafts.put_list(owner, each, "a.csv", pieces(b"123"), HERE) for each in kept),
        return_exceptions=True,
    )
    assert sum(isinstance(draft, InvalidInput) for draft in stored) == 1


async def test_a_deleted_draft_can_be_had_back(drafts: Drafts, world: World) -> None:
    owner, draft_id = world.owner_id, new_id()
    await drafts.save(owner, draft_id, {"subject": "Kept"}, HERE)
    await drafts.delete(owner, draft_id)
    assert await drafts.all_open(owner) == []
    await drafts.restore(owner, draft_id)
    assert [draft.subject for draft in await drafts.all_open(owner)] == ["Kept"]


async def reopened(
    database: Database, owner: uuid.UUID, draft_id: uuid.UUID, campaign_id: uuid.UUID
) -> None:
    async with database.transaction() as session:
        await reopen(session, owner, draft_id, campaign_id)


async def test_nobody_meets_the_drafts_of_another(
    drafts: Drafts, world: World, database: Database
) -> None:
    stranger = (await World.create(database, watched=False)).owner_id
    draft_id = new_id()
    await drafts.save(world.owner_id, draft_id, {"subject": "Mine"}, HERE)
    for attempt in (
        drafts.get(stranger, draft_id),
        drafts.save(stranger, draft_id, {"subject": "Theirs"}, HERE),
        drafts.put_list(stranger, draft_id, "a.csv", pieces(b"x"), HERE),
        drafts.drop_list(stranger, draft_id, HERE),
        drafts.delete(stranger, draft_id),
        drafts.restore(stranger, draft_id),
        reopened(database, stranger, draft_id, new_id()),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await drafts.all_open(stranger) == []
    assert (await drafts.get(world.owner_id, draft_id)).subject == "Mine"


async def test_a_draft_becomes_one_campaign_and_stands_from_then_on(
    drafts: Drafts, world: World, database: Database
) -> None:
    owner, draft_id = world.owner_id, new_id()
    sender = await world.sender()
    first, second = await world.campaign(sender), await world.campaign(sender)
    draft = await drafts.save(owner, draft_id, {"subject": "Once"}, HERE)

    async def scheduled(version: int, campaign_id: uuid.UUID) -> None:
        async with database.transaction() as session:
            await mark_scheduled(session, owner, draft_id, version, campaign_id)

    with pytest.raises(Outdated):
        await scheduled(draft.version + 1, first)
    await scheduled(draft.version, first)
    with pytest.raises(Conflict):
        await scheduled(draft.version, second)
    with pytest.raises(Conflict):
        await drafts.save(owner, draft_id, {"subject": "Twice"}, HERE)
    with pytest.raises(Conflict):
        await drafts.delete(owner, draft_id)
    found = await drafts.of_campaign(owner, first)
    assert found is not None
    assert found.id == draft_id
    assert await drafts.how_many(owner) == 0
    await reopened(database, owner, draft_id, second)
    assert await drafts.how_many(owner) == 0
    await reopened(database, owner, draft_id, first)
    assert await drafts.how_many(owner) == 1


async def test_old_rubbish_is_cleared_away_with_the_next_draft(
    drafts: Drafts, world: World
) -> None:
    owner, old, recent = world.owner_id, new_id(), new_id()
    for draft_id in (old, recent):
        await drafts.save(owner, draft_id, {}, HERE)
        await drafts.delete(owner, draft_id)
    await world.execute(
        "UPDATE drafts SET deleted_at = now() - interval '8 days' WHERE id = $1", old
    )
    await drafts.save(owner, new_id(), {}, HERE)
    assert (await drafts.get(owner, recent)).deleted_at
    with pytest.raises(NotFound):
        await drafts.get(owner, old)
