"""What a search looks for: words of an email, of which the last may be a beginning.

A word may stand in the email itself (address, name, its own subject, what the campaign's subject
takes from its fields), or in what its campaign's subject says to everybody. Emails hold the first,
campaigns the second; a question is put to both.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, cast, literal, or_, select, text, true
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from paceline.persistence.models import Email
from paceline.persistence.searching import MARK_CHARACTERS

MAX_WORDS = 20  # of a question; the rest of it is not looked for


@dataclass(frozen=True, slots=True)
class Terms:
    """`words` as the index is asked for them. `said`: which words are left to find in the emails of
    campaigns whose subject says the others."""

    words: tuple[str, ...]
    said: tuple[tuple[tuple[str, ...], tuple[uuid.UUID, ...]], ...] = ()

    def match(self) -> ColumnElement[bool]:
        """Whether an email has all the words, itself or by its campaign's subject."""
        if not self.words:
            return true()
        ways = [_has(self.words)]
        for left, campaigns in self.said:
            of_these = Email.campaign_id.in_(campaigns)
            ways.append(and_(of_these, _has(left)) if left else of_these)
        return or_(*ways)

    @property
    def saying(self) -> list[tuple[Terms, uuid.UUID]]:
        """Each campaign whose subject says some of it, and what is left to find in its emails."""
        return [(Terms(words=left), campaign) for left, ids in self.said for campaign in ids]

    def found(self, owner_id: uuid.UUID, *, most: int) -> Select[uuid.UUID]:
        """Ids of emails that have all the words themselves, by index; at most so many."""
        return select(Email.id).where(_has(self.words), Email.owner_id == owner_id).limit(most)


def _has(words: tuple[str, ...]) -> ColumnElement[bool]:
    query = " & ".join(words)
    return Email.search.op("@@")(cast(literal(query), TSQUERY))


# The last one is still being typed. For the others, whole words: the index skips through them,
# while it has to gather all beginnings, and a common one has a million.
_WORDS = text("""
    SELECT quote_literal(word) || CASE WHEN word = ANY (last) THEN ':*' ELSE '' END AS word
      FROM unnest(tsvector_to_array(searched(:owner, :asked))) AS word,
           tsvector_to_array(searched(:owner, :last)) AS last
     WHERE length(word) > :mark
""")
_RUNS = re.compile(r"[^\W\d_]+|\d+")
_SAYING = text("""
    SELECT c.id, array_agg(w.word ORDER BY w.word) AS said
      FROM campaigns c
      JOIN unnest(CAST(:words AS text[])) AS w (word)
        ON c.search @@ CAST(w.word AS tsquery)
     WHERE c.owner_id = :owner
     GROUP BY c.id
""")


async def words_of(session: AsyncSession, owner_id: uuid.UUID, asked: str) -> list[str]:
    """The words of a question as the indexes of words are asked for them; the last may go on."""
    last = _RUNS.findall(asked)[-1:]
    given = {"owner": owner_id, "asked": asked, "last": "".join(last), "mark": MARK_CHARACTERS}
    return [row.word for row in await session.execute(_WORDS, given)][:MAX_WORDS]


async def terms_of(session: AsyncSession, owner_id: uuid.UUID, asked: str) -> Terms | None:
    """What is asked for, as the index knows it; None where there is no word in it."""
    words = await words_of(session, owner_id, asked)
    if not words:
        return None
    saying = await session.execute(_SAYING, {"owner": owner_id, "words": words})
    by_what_is_left: dict[tuple[str, ...], list[uuid.UUID]] = defaultdict(list)
    for row in saying:
        left = tuple(word for word in words if word not in row.said)
        by_what_is_left[left].append(row.id)
    said = tuple((left, tuple(ids)) for left, ids in by_what_is_left.items())
    return Terms(words=tuple(words), said=said)
