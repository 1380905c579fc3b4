"""How text is made searchable: the words of it, under their owner's mark, as PostgreSQL makes them.

The function is the database's, so that whatever writes an email, its words are there; and the words
of a question are made by the same function. Words are runs of letters or of digits, in small
letters and without accents. Each carries the end of its owner's id, so that an owner's rare word
is rare in the index, however common it is with others. No extension: the bundled PostgreSQL has
none, and a managed one may not give any.
"""

from __future__ import annotations

MARK_CHARACTERS = 6

_ACCENTED = "áàâäãåāăąçćčďđéèêëēėęěğíìîïīįłñńňóòôöõøōőŕřśšşßťúùûüūůűųýÿźżž"
_PLAIN = "aaaaaaaaacccddeeeeeeeegiiiiiilnnnoooooooorrsssstuuuuuuuuyyzzz"

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

OF_EMAIL = (
    "searched(owner_id, address_key || ' ' || COALESCE(name, '') || ' ' || COALESCE(subject, '')"
    " || ' ' || COALESCE(subject_values, ''))"
)
OF_SUPPRESSION = "searched(owner_id, address_key)"
# What every recipient reads in the subject; what differs is in `emails.subject_values`.
OF_CAMPAIGN = r"searched(owner_id, regexp_replace(subject, '\{\{.*?\}\}|\{%.*?%\}', ' ', 'g'))"
