"""Which emails of a list a search finds, in the list's order: the first so many of them, always.

What many emails match is found soon by walking the list. What few match is found by the index on
words, and sorted. What is left, many that are all far down the list, is walked towards for a
while, and then gathered and sorted: it takes longer, and nothing is left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from paceline.domain.short_lists import MAX_COUNTED
from paceline.persistence.models import Campaign, Email, EmailJob
from paceline.persistence.stores.terms import Terms, Words, has, has_by_index

GLANCE = 2_000  # emails looked at before the index is asked
SAMPLE = 500  # of them, to tell which words are common
MAX_SORTED = 5_000  # emails of the index that are sorted for one page
MAX_WALKED = 20_000  # emails looked at where more match than that
MAX_APART = 20  # campaigns whose subject says it all, each walked by itself
MANY = 0.05  # of the emails looked at: of a long list, they are not counted
COMMON = 0.2  # of the sample: a word that the index is not asked for
FREQUENT = 0.01  # of the sample: the same, beside a word that none of it has

# Which way to go is decided here: statistics are old, or of another owner.
_IN_ORDER = text("""
    SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true)
""")
_BY_WORDS = text("""
    SELECT set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'off', true),
           set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """A part of a list: ids of email jobs in its order, and what that order is by.

    `key` names it to a search that may be asked about it again.
    """

    key: Hashable
    ids: Select[uuid.UUID]
    at: InstrumentedAttribute[Any] | None  # None: by id alone
    newest_first: bool

    def first(self, most: int, *conditions: ColumnElement[bool]) -> Select[uuid.UUID]:
        """The first that fulfil the conditions, with what they are sorted by."""
        at = EmailJob.email_id if self.at is None else self.at
        return self.ids.where(*conditions).add_columns(at.label("at")).limit(most)

    def behind(self, count: int) -> Candidates:
        """Those behind the first so many."""
        return replace(self, ids=self.ids.offset(count)) if count else self

    def within(self, conditions: Iterable[ColumnElement[bool]]) -> Candidates:
        """Those of them that fulfil the conditions."""
        return replace(self, ids=self.ids.where(*conditions))

    def order_of(self, chosen: Subquery) -> list[ColumnElement[Any]]:
        """The list's order, over the columns that `first` gave: so that a walk can end early."""
        order = [chosen.c.email_id] if self.at is None else [chosen.c.at, chosen.c.email_id]
        return [column.desc() if self.newest_first else column for column in order]


class Search:
    """One question to one list. What the index says is kept: it is the same for all parts, and for
    whoever counts what was found."""

    def __init__(self, session: AsyncSession, owner_id: uuid.UUID, terms: Terms) -> None:
        self._session = session
        self._owner_id = owner_id
        self._terms = terms
        self._common: Collection[str] | None = None
        self._found: list[uuid.UUID] | None = None
        self._asked = False
        self._glanced: dict[Hashable, list[uuid.UUID]] = {}

    async def first(self, candidates: Candidates, limit: int) -> list[uuid.UUID]:
        """The first `limit` candidates that match."""
        found = await self._walked(candidates, GLANCE, limit)
        if len(found) == limit:
            return found
        self._glanced[candidates.key] = found  # all that match among them
        if not await self._goes_on(candidates, GLANCE):
            return found
        return await self._farther(candidates, limit, list(found))

    async def _farther(
        self, candidates: Candidates, limit: int, found: list[uuid.UUID]
    ) -> list[uuid.UUID]:
        """The same, where the first `GLANCE` of a longer list hold these."""
        if not self._terms.saying and not await self._seem_too_many(len(found)):
            few = await self._few(candidates)
            if few is not None:
                return await self._gathered(candidates, limit, few, ())
        looked_at = GLANCE
        if found:  # the rest is about as far again, and again
            looked_at = min(2 * GLANCE * limit // len(found), MAX_WALKED)
            left = limit - len(found)
            found += await self._walked(candidates, looked_at, left, behind=GLANCE)
            if len(found) == limit or not await self._goes_on(candidates, looked_at):
                return found
        said = await self._said_nearby(candidates, limit)
        if said is not None:
            common = await self._common_words(candidates)
            own = await self._sorted(candidates, limit, self._own(common))
            return _merged(candidates, limit, [*own, *said])
        if len(self._terms.saying) <= MAX_APART:
            few = await self._few(candidates)
            if few is not None:
                return await self._gathered(candidates, limit, few, self._terms.saying_all)
        if looked_at < MAX_WALKED and not self._terms.saying:
            left = limit - len(found)
            found += await self._walked(candidates, MAX_WALKED, left, behind=looked_at)
            if len(found) == limit or not await self._goes_on(candidates, MAX_WALKED):
                return found
        own_words = self._own(self._common or ())
        return await self._gathered(candidates, limit, own_words, self._terms.saying)

    async def whole(self, candidates: Candidates) -> tuple[list[uuid.UUID], bool]:
        """All candidates that match and True; or, where that takes long, those at hand."""
        found = self._glanced.get(candidates.key)
        if found is None:
            found = await self._walked(candidates, GLANCE, GLANCE)
        if not await self._goes_on(candidates, GLANCE):
            return found, True
        if self._terms.saying or await self._seem_too_many(len(found)):
            return found, False
        if len(found) > MANY * GLANCE and await self._goes_on(candidates, MAX_COUNTED):
            return found, False
        few = await self._few(candidates)
        if few is None:
            return found, False
        own = candidates.ids.where(EmailJob.email_id.in_(few))
        await self._session.execute(_BY_WORDS)
        return list((await self._session.execute(own)).scalars()), True

    async def _walked(
        self, candidates: Candidates, most: int, limit: int, *, behind: int = 0
    ) -> list[uuid.UUID]:
        """Those of the first `most` candidates that match, but for the first `behind` of them."""
        await self._session.execute(_IN_ORDER)
        stretch = candidates.behind(behind)
        matching = self._matching(stretch, most - behind, limit, [self._terms.match()])
        return list((await self._session.execute(matching)).scalars())

    def _matching(
        self,
        candidates: Candidates,
        most: int,
        limit: int,
        conditions: Iterable[ColumnElement[bool]],
    ) -> Select[Any]:
        looked_at = candidates.first(most).subquery()
        return (
            select(looked_at.c.email_id, looked_at.c.at)
            .join(Email, Email.id == looked_at.c.email_id)
            .where(*conditions)
            .order_by(*candidates.order_of(looked_at))
            .limit(limit)
        )

    async def _goes_on(self, candidates: Candidates, most: int) -> bool:
        """Whether there are more candidates than that."""
        one_more = candidates.ids.offset(most).limit(1)
        return (await self._session.execute(one_more)).one_or_none() is not None

    def _own(self, common: Collection[str]) -> Select[uuid.UUID]:
        """Emails that have all the words themselves."""
        return select(Email.id).where(has_by_index(self._terms.words, common))

    async def _said_nearby(self, candidates: Candidates, limit: int) -> list[Any] | None:
        """The first that campaigns have whose subject says some of it; None: there may be more far
        down one of them, or no subject says any of it."""
        saying = self._terms.saying
        if not saying or len(saying) > MAX_APART:
            return None
        rows: list[Any] = []
        most = max(limit, GLANCE // len(saying))
        for left, campaign_id in saying:
            its = candidates.within(_its(campaign_id, candidates))
            found = await self._session.execute(self._matching(its, most, limit, map(has, left)))
            first = list(found)
            if len(first) < limit and await self._goes_on(its, most):
                return None
            rows += first
        return rows

    async def _seem_too_many(self, found: int) -> bool:
        """Whether the index would find more than it is asked for, if `found` of the first `GLANCE`
        are as many as elsewhere: it takes its time to say so."""
        if self._asked:
            return self._found is None
        total = select(func.coalesce(func.sum(Campaign.total), 0)).where(
            Campaign.owner_id == self._owner_id
        )
        return found * (await self._session.execute(total)).scalar_one() > MAX_SORTED * GLANCE

    async def _few(self, candidates: Candidates) -> list[uuid.UUID] | None:
        """All that the index finds; None: more than can be sorted in time."""
        if not self._asked:
            self._asked = True
            common = await self._common_words(candidates)
            await self._session.execute(_BY_WORDS)
            query = self._terms.found(self._owner_id, common).limit(MAX_SORTED + 1)
            found = list((await self._session.execute(query)).scalars())
            self._found = found if len(found) <= MAX_SORTED else None
        return self._found

    async def _common_words(self, candidates: Candidates) -> Collection[str]:
        """Words that many of the first candidates have."""
        if self._common is None:
            self._common = await self._counted_common(candidates)
        return self._common

    async def _counted_common(self, candidates: Candidates) -> Collection[str]:
        words = self._terms.words
        if len(words) == 1:
            return ()
        looked_at = candidates.first(SAMPLE).subquery()
        counts = [func.count().filter(has(word)) for word in words]
        query = select(*counts).select_from(Email).join(looked_at, Email.id == looked_at.c.email_id)
        row = (await self._session.execute(query)).one()
        common = COMMON if all(row) else FREQUENT
        return {word for word, n in zip(words, row, strict=True) if n > common * SAMPLE}

    async def _gathered(
        self,
        candidates: Candidates,
        limit: int,
        own: Sequence[uuid.UUID] | Select[uuid.UUID],
        saying: Sequence[tuple[Words, uuid.UUID]],
    ) -> list[uuid.UUID]:
        """The first of those that have all the words themselves, which are sorted for it, and of
        the campaigns whose subject says some, each walked in its own order."""
        rows = await self._sorted(candidates, limit, own)
        await self._session.execute(_IN_ORDER)
        for left, campaign_id in saying:
            its = _its(campaign_id, candidates)
            if left:
                of_job = select(Email.id).where(Email.id == EmailJob.email_id)
                its.append(of_job.where(*map(has, left)).exists())
            rows += await self._session.execute(candidates.first(limit, *its))
        return _merged(candidates, limit, rows)

    async def _sorted(
        self,
        candidates: Candidates,
        limit: int,
        own: Sequence[uuid.UUID] | Select[uuid.UUID],
    ) -> list[Any]:
        """The first of these, by way of the index on words."""
        await self._session.execute(_BY_WORDS)
        part = candidates.first(limit, EmailJob.email_id.in_(own))
        return list(await self._session.execute(part))


def _merged(candidates: Candidates, limit: int, rows: Iterable[Any]) -> list[uuid.UUID]:
    place = 0 if candidates.at is None else 1
    ordered = sorted(
        {row[0]: (row[place], row[0]) for row in rows}.items(),
        key=lambda item: item[1],
        reverse=candidates.newest_first,
    )
    return [email_id for email_id, _ in ordered[:limit]]


def _its(campaign_id: uuid.UUID, candidates: Candidates) -> list[ColumnElement[bool]]:
    """What the index on this part of one campaign's emails is asked by."""
    its = [EmailJob.campaign_id == campaign_id]
    if candidates.at is EmailJob.due_at:
        sender = select(Campaign.sender_id).where(Campaign.id == campaign_id).scalar_subquery()
        its.append(EmailJob.sender_id == sender)
    return its
