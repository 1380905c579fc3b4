"""What is kept about a recipient, over the API: one's own alone, and with a key for it."""

from __future__ import annotations

from tests.integration.api.conftest import Client


async def test_a_recipient_is_given_out_and_wiped_over_the_api(ann: Client, bob: Client) -> None:
    email = await ann.email(to="ada@example.org")
    await ann.post("/suppressions", {"addresses": ["ada@example.org"]})
    whose = {"address": "Ada@Example.org"}
    told = (await ann.post("/persons/export", whose)).json()
    assert [row["id"] for row in told["emails"]] == [email["id"]]
    assert (await bob.post("/persons/export", whose)).json()["emails"] == []
    assert (await bob.post("/persons/wipe", whose)).json()["emails"] == 0
    wiped = (await ann.post("/persons/wipe", whose)).json()
    assert (wiped["emails"], wiped["cancelled"], wiped["suppression"]) == (1, 1, "hash")
    assert "ada" not in (await ann.get(f"/emails/{email['id']}")).text
    assert (await ann.get("/suppressions")).json()["items"] == []
    refused = await ann.post("/persons/wipe", {"address": "nobody"})
    assert refused.status_code == 422
