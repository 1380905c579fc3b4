"""What a search looks for: words of an email, some of them beginnings.

A word may stand in the email itself (address, name, its own subject, what the campaign's subject
takes from its fields), or in what its campaign's subject says to everybody. Emails hold the first,
campaigns the second; a question is put to both.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.domain.search_words import asked_for
from paceline.persistence.models import Email
from paceline.persistence.searching import mark_of

MAX_WORDS = 20  # of a question; the rest of it is not looked for

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """`words` as the index is asked for them. `said`: which words are left to find in the emails of
    campaigns whose subject says the others."""

    words: Words
    said: tuple[tuple[Words, tuple[uuid.UUID, ...]], ...] = ()

    def match(self) -> ColumnElement[bool]:
        """Whether an email has all the words, itself or by its campaign's subject."""
        ways = [Email.campaign_id.in_(campaigns) for left, campaigns in self.said if not left]
        return or_(*ways, self.match_by_index())

    def match_by_index(self, common: Collection[str] = ()) -> ColumnElement[bool]:
        """The same, but for campaigns whose subject says all of it: `saying_all` has those.

        The index is not asked for `common` words, as long as there are others: it would gather
        every email that has them.
        """
        ways = [has_by_index(self.words, common)]
        for left, campaigns in self.said:
            if left:
                ways.append(and_(Email.campaign_id.in_(campaigns), has_by_index(left, common)))
        return or_(*ways)

    @property
    def saying(self) -> Sequence[tuple[Words, uuid.UUID]]:
        """Each campaign whose subject says some of it, and what is left to find in its emails."""
        return [(left, campaign) for left, campaigns in self.said for campaign in campaigns]

    @property
    def saying_all(self) -> Sequence[tuple[Words, uuid.UUID]]:
        """Those whose subject says every word."""
        return [(left, campaign) for left, campaign in self.saying if not left]

    def found(self, owner_id: uuid.UUID, common: Collection[str] = ()) -> Select[uuid.UUID]:
        """The ids of all that `match_by_index`."""
        return select(Email.id).where(self.match_by_index(common), Email.owner_id == owner_id)


def has(word: str) -> ColumnElement[bool]:
    """Whether an email has one word, without asking the index."""
    return _kept_from_the_index().op("@@")(cast(literal(word), TSQUERY))


def has_by_index(words: Words, common: Collection[str]) -> ColumnElement[bool]:
    """Whether an email has all words, as the index is asked for the rarer ones."""
    rare = [word for word in words if word not in common] or list(words)
    rest = [has(word) for word in words if word not in rare]
    return and_(Email.search.op("@@")(cast(literal(" & ".join(rare)), TSQUERY)), *rest)


def _kept_from_the_index() -> ColumnElement[str]:
    return func.coalesce(Email.search, cast(literal(""), TSVECTOR))


_SAYING = text("""
    SELECT c.id, array_agg(w.word ORDER BY w.word) AS said
      FROM campaigns c
      JOIN unnest(CAST(:words AS text[])) AS w (word)
        ON c.search @@ CAST(w.word AS tsquery)
     WHERE c.owner_id = :owner AND c.discarded_at IS NULL
     GROUP BY c.id
""")


def words_for(owner_id: uuid.UUID, asked: str) -> list[str]:
    """The words of a question, as the indexes of words are asked for them."""
    mark = mark_of(owner_id)
    return [
        f"'{mark}{each.word}'" + ":*" * each.is_beginning for each in asked_for(asked)[:MAX_WORDS]
    ]


async def terms_of(session: AsyncSession, owner_id: uuid.UUID, asked: str) -> Terms | None:
    """What is asked for, as the index knows it; None where there is no word in it."""
    words = tuple(words_for(owner_id, asked))
    if not words:
        return None
    saying = await session.execute(_SAYING, {"owner": owner_id, "words": list(words)})
    by_what_is_left: dict[Words, list[uuid.UUID]] = defaultdict(list)
    for row in saying:
        left = tuple(word for word in words if word not in row.said)
        by_what_is_left[left].append(row.id)
    said = tuple((left, tuple(ids)) for left, ids in by_what_is_left.items())
    return Terms(words=words, said=said)
