"""Words as PostgreSQL keeps them: each under its owner's mark, in a column that GIN finds them by.

Each carries the end of its owner's id, so that an owner's rare word is rare in the index, however
common it is with others. No extension: the bundled PostgreSQL has none, and a managed one may not
give any. Whoever writes an email or a campaign's subject writes its words; the rules are in
`domain/search_words.py`.
"""

from __future__ import annotations

import re
import uuid

from sqlalchemy import ARRAY, ColumnElement, Text, func, literal

from paceline.domain.search_words import words_of

MARK_CHARACTERS = 6

_ACCENTED = "áàâäãåāăąçćčďđéèêëēėęěğíìîïīįłñńňóòôöõøōőŕřśšşßťúùûüūůűųýÿźżž"
_PLAIN = "aaaaaaaaacccddeeeeeeeegiiiiiilnnnoooooooorrsssstuuuuuuuuyyzzz"

# The same for suppressions, which the ledger's statements write: an address is plain letters.
CREATE_SEARCHED = f"""
CREATE OR REPLACE FUNCTION searched(owner uuid, said text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(string_to_array(
        right(owner::text, {MARK_CHARACTERS}) || replace(
            regexp_replace(
                regexp_replace(
                    CASE WHEN octet_length(said) = length(said) THEN lower(said)
                         ELSE translate(lower(said), '{_ACCENTED}', '{_PLAIN}') END,
                    '[^[:alnum:]]+', ' ', 'g'),
                '([[:alpha:]])([0-9])', '\\1 \\2', 'g'),
            ' ', ' ' || right(owner::text, {MARK_CHARACTERS})), ' '))
$$
"""
OF_SUPPRESSION = "searched(owner_id, address_key)"

# What every recipient reads in a subject; what differs is said by each email.
_TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def mark_of(owner_id: uuid.UUID) -> str:
    """What an owner's words begin with."""
    return owner_id.hex[-MARK_CHARACTERS:]


def marked(mark: str, said: str) -> str:
    """The words of a text under a mark, for `array_to_tsvector(string_to_array(…, ' '))`."""
    return " ".join([mark + word for word in words_of(said)])


def column_of(owner_id: uuid.UUID, said: str) -> ColumnElement[str]:
    """The words of a text, as the column's value."""
    mark = mark_of(owner_id)
    words = [mark + word for word in words_of(said)]
    return func.array_to_tsvector(literal(words, ARRAY(Text())))


def said_by(subject: str) -> str:
    """What a campaign's subject says to everybody."""
    return _TAGS.sub(" ", subject)
