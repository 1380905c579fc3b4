"""`paceline person` from start to end."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from paceline.persistence.stores.suppressions import Why, suppress
from tests.integration.platform.refusing import paceline
from tests.world import SECRET_KEY, World


async def test_a_recipient_is_printed_and_wiped(
    world: World, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    there = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PACELINE_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
    }
    sender = await world.sender()
    [email] = await world.emails(sender, None, ["ada@example.org"])
    async with world.database.transaction() as session:
        await suppress(session, world.owner_id, ["ada@example.org"], why=Why(reason="manual"))

    code, said = await paceline("person", "export", "Ada@example.org", home=tmp_path, **there)
    assert code == 0, said
    told = json.loads("\n".join(said))
    assert [row["id"] for row in told["emails"]] == [str(email)]
    assert [row["address_key"] for row in told["suppressions"]] == ["ada@example.org"]

    code, said = await paceline("person", "wipe", "ada@example.org", home=tmp_path, **there)
    assert code == 1
    assert "--yes does it without asking" in said[-1]
    code, said = await paceline(
        "person", "wipe", "a@b.org", "-y", "--suppression", "no", home=tmp_path, **there
    )
    assert code == 2
    code, said = await paceline(
        "person", "wipe", "ada@example.org", "--yes", home=tmp_path, **there
    )
    assert code == 0, said
    assert said[0] == "1 emails wiped, 1 of them cancelled"
    assert "it stays suppressed, as a hash" in said

    code, said = await paceline("person", "export", "ada@example.org", home=tmp_path, **there)
    told = json.loads("\n".join(said))
    assert (told["emails"], told["suppressions"]) == ([], [])
