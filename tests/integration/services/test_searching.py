"""Search: what is found, whose it is, in which order, and by which index."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace

import pytest
from sqlalchemy import Select

from paceline.domain.lifecycle import JobState
from paceline.domain.recipients import RawRecipient
from paceline.persistence.stores import searches
from paceline.persistence.stores.searches import Candidates
from paceline.persistence.stores.terms import Terms
from paceline.services.campaigns import CampaignPatch
from paceline.services.emails import NewEmail
from paceline.services.selecting import EmailFilter
from tests.integration.services.conftest import Desk

PEOPLE = [
    RawRecipient(email="anna.meyer42@mail.example.com", name="Anna Meyer"),
    RawRecipient(email="bob@example.org", name="Bob O'Hara"),
    RawRecipient(email="jm@firma.de", name="Jürgen Müller", fields={"city": "Köln"}),
    RawRecipient(email="li@example.cn", name="李明華"),
]


async def found(desk: Desk, q: str, **wanted: object) -> set[str]:
    """The local parts of whatever a search finds, page by page."""
    names: list[str] = []
    cursor = None
    while True:
        asked = replace(EmailFilter(q=q), **wanted)  # type: ignore[arg-type]
        page = await desk.email_queries.emails(desk.owner, asked, cursor=cursor, limit=2)
        names += [email.to.partition("@")[0] for email in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(names) == len(set(names)), "nothing is found twice"
    return set(names)


SEARCHES: tuple[tuple[str, set[str]], ...] = (
    ("anna", {"anna.meyer42"}),
    ("MEYER", {"anna.meyer42"}),
    ("mey", {"anna.meyer42"}),
    ("42", {"anna.meyer42"}),
    ("meyer42@mail", {"anna.meyer42"}),
    ("anna.meyer42@mail.example.com", {"anna.meyer42"}),
    ("Anna.Meyer42@Mail.Example.com", {"anna.meyer42"}),
    ("meyer anna", {"anna.meyer42"}),
    ("example", {"anna.meyer42", "bob", "li"}),
    ("@example", {"anna.meyer42", "bob", "li"}),
    ("example.org", {"bob"}),
    ("o'hara", {"bob"}),
    ("muller", {"jm"}),
    ("Müller", {"jm"}),
    ("MÜL", {"jm"}),
    ("李", {"li"}),
    ("明", {"li"}),
    ("華", {"li"}),
    ("明華", {"li"}),
    ("李華", set()),
    ("mey ann", {"anna.meyer42"}),
    ("ann mey", {"anna.meyer42"}),
    ("me anna", set()),
    ("straße", set()),
    ("b", {"bob"}),
    ("hello", {"anna.meyer42", "bob", "jm", "li"}),
    ("koln", {"jm"}),
    ("hello köln", {"jm"}),
    ("spring anna", {"anna.meyer42"}),
    ("winter", set()),
    ("%", set()),
    ("_", set()),
    ("\\", set()),
    ("'", set()),
    ("':* | 'a", {"anna.meyer42"}),
    ("zzz", set()),
    ("x" * 200, set()),
)


@pytest.mark.parametrize("glance", [searches.GLANCE, 1], ids=["by walking", "by the index"])
async def test_a_search_finds_beginnings_of_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, glance: int
) -> None:
    monkeypatch.setattr(searches, "GLANCE", glance)
    people = [replace(p, fields={"city": "Rome", **p.fields}) for p in PEOPLE]
    subject = "Hello {{ city }}, it is Spring"
    draft = await desk.draft(subject=subject, recipients=people)
    await desk.campaigns.launch(desk.owner, draft.id)
    for q, names in SEARCHES:
        assert await found(desk, q) == names, q


async def test_a_subject_that_changes_is_found_by_its_new_words(desk: Desk) -> None:
    person = RawRecipient(email="a@x.org", fields={"city": "Oslo", "plan": "Gold"})
    draft = await desk.draft(subject="News from {{ city }}", recipients=[person])
    assert await found(desk, "oslo") == {"a"}
    assert await found(desk, "gold") == set()
    patch = CampaignPatch(subject="Your {{ plan }} plan")
    await desk.campaigns.patch(desk.owner, draft.id, patch)
    assert await found(desk, "gold") == await found(desk, "your plan") == {"a"}
    assert await found(desk, "news") == await found(desk, "oslo") == set()


async def test_single_emails_are_found_however_many_others_have(desk: Desk) -> None:
    sender = await desk.sender()
    new = NewEmail(sender_id=sender.id, to="ann@example.com", subject="Invoice 7", text="T")
    await desk.emails.create(desk.owner, new)
    other = await desk.world.fetchval(
        "INSERT INTO users (id, issuer, subject, name) VALUES (gen_random_uuid(), 't', 'o', 'o')"
        " RETURNING id"
    )
    await desk.world.execute(
        "INSERT INTO emails (id, owner_id, sender_id, address, address_key, subject, message_id)"
        " SELECT gen_random_uuid(), $1, $2, 'ann@example.com', 'ann@example.com', 'Invoice', '<x>'"
        "   FROM generate_series(1, 3000)",
        other,
        sender.id,
    )
    for q in ("ann@example.com", "invoice", "ann"):
        assert await found(desk, q) == {"ann"}, q


async def test_a_search_keeps_the_order_and_the_filters_of_its_list(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "GLANCE", 2)
    recipients = [RawRecipient(email=f"r{n}@example.com") for n in range(9)]
    draft = await desk.draft(recipients=recipients)
    await desk.campaigns.launch(desk.owner, draft.id)
    await desk.world.execute(
        "UPDATE email_jobs j SET state = 'sent', sent_at = now() + e.line * interval '1 s'"
        "  FROM emails e WHERE e.id = j.email_id AND e.line <= 4"
    )
    page = await desk.email_queries.emails(desk.owner, EmailFilter(q="example"))
    order = [email.to[1] for email in page.items]
    assert order == ["4", "5", "6", "7", "8", "3", "2", "1", "0"]
    sent = frozenset({JobState.SENT})
    assert await found(desk, "example", states=sent) == {"r0", "r1", "r2", "r3"}
    assert await found(desk, "r", campaign_id=draft.id) == {f"r{n}" for n in range(9)}
    assert await found(desk, "r", sender_id=uuid.uuid4()) == set()


async def test_what_a_subject_says_is_found_behind_larger_campaigns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 1), ("MAX_SORTED", 3), ("MAX_WALKED", 4)):
        monkeypatch.setattr(searches, name, value)
    sender = await desk.sender()
    for subject, prefix in (("Summer", "a"), ("Spring news", "b"), ("Spring again", "c")):
        people = [RawRecipient(email=f"{prefix}{n}@x.org") for n in range(6)]
        draft = await desk.draft(subject=subject, recipients=people, sender_id=sender.id)
        await desk.campaigns.launch(desk.owner, draft.id)
    of_b, of_c = ({f"{prefix}{n}" for n in range(6)} for prefix in "bc")
    assert await found(desk, "spring") == of_b | of_c
    assert await found(desk, "news") == of_b
    assert await found(desk, "spring c") == of_c
    await desk.world.execute(
        "UPDATE email_jobs j SET state = 'sent', sent_at = now() + e.line * interval '1 ms'"
        "  FROM emails e WHERE e.id = j.email_id AND j.state = 'scheduled'"
    )
    assert await found(desk, "spring") == of_b | of_c
    assert await found(desk, "news") == of_b
    first = await desk.email_queries.emails(desk.owner, EmailFilter(q="again"), limit=10)
    assert [email.to[1] for email in first.items] == ["5", "4", "3", "2", "1", "0"]
    assert first.next_cursor is None


@pytest.mark.parametrize("glance", [searches.GLANCE, 6, 1])
async def test_what_a_subject_and_what_an_email_say_are_found_in_one_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, glance: int
) -> None:
    """Near the head of the campaign whose subject says a word of it, or far down."""
    monkeypatch.setattr(searches, "GLANCE", glance)
    sender = await desk.sender()
    for subject, prefix in (("Winter", "w"), ("Autumn", "a")):
        people = [
            RawRecipient(email=f"{prefix}{n}@x.org", name="Smith" if n % 2 else "Jones")
            for n in range(8)
        ]
        draft = await desk.draft(subject=subject, recipients=people, sender_id=sender.id)
        await desk.campaigns.launch(desk.owner, draft.id)
    new = NewEmail(sender_id=sender.id, to="s9@x.org", to_name="Smith", subject="Autumn", text="T")
    await desk.emails.create(desk.owner, new)
    await desk.world.execute(
        "UPDATE email_jobs j SET state = 'sent', sent_at ="
        " timestamptz '2026-01-01' + substr(e.address, 2, 1)::int % 5 * interval '1 hour'"
        "  FROM emails e WHERE e.id = j.email_id"
    )
    sent = EmailFilter(q="autumn smith", states=frozenset({JobState.SENT}))
    pages = [await desk.email_queries.emails(desk.owner, sent, limit=2)]
    while cursor := pages[-1].next_cursor:
        pages.append(await desk.email_queries.emails(desk.owner, sent, cursor=cursor, limit=2))
    order = [email.to[:2] for page in pages for email in page.items]
    assert order == ["s9", "a3", "a7", "a1", "a5"]


async def test_very_many_far_down_the_list_fill_the_first_page(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 1), ("MAX_SORTED", 2), ("MAX_WALKED", 3)):
        monkeypatch.setattr(searches, name, value)
    recipients = [RawRecipient(email=f"{'a' if n < 7 else 'z'}{n}@x.org") for n in range(12)]
    await desk.draft(recipients=recipients)
    first = await desk.email_queries.emails(desk.owner, EmailFilter(q="z"), limit=4)
    assert [email.to[:2] for email in first.items] == ["z7", "z8", "z9", "z1"]
    assert await found(desk, "z") == {f"z{n}" for n in range(7, 12)}


async def test_a_common_word_beside_a_rare_one_is_not_asked_of_the_index(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 3), ("MAX_SORTED", 1), ("MAX_WALKED", 4)):
        monkeypatch.setattr(searches, name, value)
    recipients = [RawRecipient(email=f"{'a' if n < 7 else 'z'}{n}@x.org") for n in range(12)]
    await desk.draft(recipients=recipients)
    assert await found(desk, "org 9") == await found(desk, "9 org") == {"z9"}
    assert await found(desk, "z org") == {f"z{n}" for n in range(7, 12)}


async def test_few_that_match_are_asked_of_the_index_and_not_walked_to(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "GLANCE", 4)
    walks: list[int] = []
    walked = searches.Search._walked

    async def noted(
        self: searches.Search, candidates: Candidates, most: int, limit: int, *, behind: int = 0
    ) -> list[uuid.UUID]:
        walks.append(most)
        return await walked(self, candidates, most, limit, behind=behind)

    monkeypatch.setattr(searches.Search, "_walked", noted)
    recipients = [RawRecipient(email=f"{'z' if n % 9 == 0 else 'a'}{n}@x.org") for n in range(30)]
    await desk.draft(recipients=recipients)
    assert await found(desk, "z") == {"z0", "z9", "z18", "z27"}
    assert set(walks) == {4}


async def test_a_frequent_word_is_not_asked_of_the_index_beside_one_that_hardly_any_has(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GLANCE", 3), ("SAMPLE", 12), ("FREQUENT", 0.1), ("COMMON", 1)):
        monkeypatch.setattr(searches, name, value)
    left_out: list[str] = []
    by_index = Terms.found

    def noted(self: Terms, owner_id: uuid.UUID, common: Collection[str] = ()) -> Select[uuid.UUID]:
        left_out.extend(common)
        return by_index(self, owner_id, common)

    monkeypatch.setattr(Terms, "found", noted)
    recipients = [RawRecipient(email=f"{'a' if n < 14 else 'z'}{n}@x.org") for n in range(16)]
    await desk.draft(recipients=recipients)
    assert await found(desk, "z org") == {"z14", "z15"}
    assert left_out
    assert all("org" in word for word in left_out)


async def test_words_and_single_addresses_are_looked_up_in_their_indexes(desk: Desk) -> None:
    owner = desk.owner
    await desk.world.execute("ANALYZE emails")
    questions = (
        (f"search @@ '''{str(owner)[-6:]}anna'':*'::tsquery", "ix_emails_search"),
        (
            f"campaign_id IS NULL AND owner_id = '{owner}' AND address_key = 'a@x.org'",
            "ix_emails_single_address",
        ),
    )
    for question, index in questions:
        async with desk.database.driver() as driver:  # the ledger's: without sequential scans
            rows = await driver.fetch(f"EXPLAIN SELECT id FROM emails WHERE {question}")
        plan = "\n".join(row[0] for row in rows)
        assert index in plan, plan


async def test_what_is_known_as_sent_long_after_its_campaign_ended_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "GLANCE", 2)
    sender = await desk.sender()
    for subject, many in (("Zebra stripes", 1), ("Other", 6)):
        people = [RawRecipient(email=f"{subject[0]}{n}@x.org") for n in range(many)]
        draft = await desk.draft(subject=subject, recipients=people, sender_id=sender.id)
        await desk.campaigns.launch(desk.owner, draft.id)
    await desk.world.execute(
        "UPDATE campaigns SET state = 'completed', launched_at = now() - interval '20 days',"
        "                     finished_at = now() - interval '10 days'"
    )
    await desk.world.execute(
        "UPDATE email_jobs j SET state = 'sent', sent_at = now() - interval '5 days' / e.line"
        "  FROM (SELECT id, row_number() OVER (ORDER BY id) AS line FROM emails) e"
        " WHERE e.id = j.email_id"
    )
    assert await found(desk, "zebra") == {"Z0"}
