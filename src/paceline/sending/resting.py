"""What a turn has learnt: a sender that is broken, rests or is well again; campaigns that ended."""

from __future__ import annotations

import logging
import random
import re
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from paceline.domain.backoff import host_retry_delay, limit_delay
from paceline.domain.replies.spans import span_of, stated_wait
from paceline.domain.replies.words import plain
from paceline.observability.troubles import Trouble
from paceline.persistence.standing import Standing
from paceline.sending.consequences import SenderEffect

MAX_REASON = 500
# What is accepted between two rests ends nothing: a server may refuse every third connection.
QUIET_SECONDS = 60.0
# So many refusals by policy with nothing accepted in between: going on would only harm the sender.
POLICY_REFUSALS = 3
# The same once a recipient was named, of a sender of which nothing was accepted yet: a server that
# wants a log-in says so, to all of them alike. Of another it is the policy of some recipients.
POLICY_REFUSALS_AT_RCPT = 10
# So many refusals of the account, its name or its From, with nothing accepted in between, on
# connections that had carried emails well: one alone may be the grudge of one recipient.
ACCUSATIONS = 3
# So many refusals for good, none of them for the address' sake, with nothing accepted in between:
# it is about the sender, in words that no table knows. It costs a look, and saves the rest.
PLAIN_REFUSALS = 100
# So many of those in the same words, at more than one domain, right after something was accepted: a
# quota, most likely, in a sentence that nobody has heard yet. It waits, and no more are charged.
ALIKE_REFUSALS = 3
# Refusals for now, and a rest for nothing, cost less: so many of them are a row at one domain too.
ALIKE_AT_ONE_DOMAIN = 10

_WITH_A_DIGIT = re.compile(r"\w*\d\w*")  # counts, times, queue ids

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Row:
    """Refusals in the same words, one after another."""

    words: str
    people: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)


class SenderHealth:
    """Writes a sender's troubles down, so that its lane, its owner and the API know."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._resting: dict[uuid.UUID, Trouble] = {}
        self._refused_by_policy: Counter[uuid.UUID] = Counter()
        self._shunned: Counter[uuid.UUID] = Counter()
        self._refused: Counter[uuid.UUID] = Counter()
        self._limited: Counter[uuid.UUID] = Counter()
        self._accused: Counter[uuid.UUID] = Counter()
        self._alike: dict[uuid.UUID, _Row | None] = {}  # of senders whose emails were accepted

    async def note_trouble(
        self,
        sender_id: uuid.UUID,
        effect: SenderEffect,
        *,
        as_of: datetime,
        host_failures: int,
        reason: str,
        others_work: bool,
        unreached: bool = False,
    ) -> None:
        """It is refused for good (it stops until mended), or for now (it sleeps).

        `as_of`: the sender's `updated_at` then; one that was mended since does not stop.
        `host_failures`: in a row before this one. A server that takes fifty and then wants a pause
        has not failed once more.
        `others_work`: something was accepted after a quota was said to be used up. It may have been
        on its way before that: a wait that the server states is believed all the same.
        `unreached`: the server said nothing at all.
        """
        reason = reason[:MAX_REASON]
        if effect is SenderEffect.BREAK:
            self._begin_anew(sender_id)  # once it is mended
            self._resting.pop(sender_id, None)
            log.warning("sender %s is broken: %s", sender_id, reason)
            await self._standing.mark_broken(sender_id, as_of=as_of, reason=reason)
            return
        roll, stated = random.random(), stated_wait(reason)
        if effect is SenderEffect.LIMIT and (stated or not others_work):
            self._limited[sender_id] += 1
            times = self._limited[sender_id]
            pause = limit_delay(times, span_of(reason), roll=roll, stated=stated)
        else:
            pause = host_retry_delay(host_failures + 1, roll=roll, stated=stated)
        if sender_id not in self._resting:
            what = f"sender {sender_id} rests"
            self._resting[sender_id] = Trouble(log, what, quiet_seconds=QUIET_SECONDS)
        self._resting[sender_id].met(f"for {pause.total_seconds():.0f} s: {reason}")
        await self._standing.rest(
            sender_id,
            pause=pause,
            reason=reason,
            in_a_row=host_failures > 0,
            unreached=unreached,
        )

    def note_policy(self, sender_id: uuid.UUID, reason: str) -> tuple[SenderEffect, str]:
        """A refusal by policy: it rests at each, and stops when there is one too many in a row."""
        self._refused_by_policy[sender_id] += 1
        if self._refused_by_policy[sender_id] < POLICY_REFUSALS:
            return SenderEffect.REST, f"refused by policy: {reason}"
        return SenderEffect.BREAK, f"refused by policy again and again: {reason}"

    def note_shunned(self, sender_id: uuid.UUID, reason: str) -> tuple[SenderEffect, str]:
        """A refusal by policy of one recipient: all of them, and it is about the sender."""
        if sender_id in self._alike:
            return self.note_refusal(sender_id, reason)
        self._shunned[sender_id] += 1
        if self._shunned[sender_id] < POLICY_REFUSALS_AT_RCPT:
            return SenderEffect.NONE, reason
        return SenderEffect.BREAK, f"refused by policy for every recipient: {reason}"

    def note_accusation(self, sender_id: uuid.UUID, reason: str) -> tuple[SenderEffect, str]:
        """It was refused where others were not: it stops when there is one too many in a row."""
        self._accused[sender_id] += 1
        if self._accused[sender_id] < ACCUSATIONS:
            return SenderEffect.NONE, reason
        return SenderEffect.BREAK, reason

    def note_refusal(self, sender_id: uuid.UUID, reason: str) -> tuple[SenderEffect, str]:
        """One email was refused for good: it stops when that was one too many in a row."""
        self._refused[sender_id] += 1
        if self._refused[sender_id] < PLAIN_REFUSALS:
            return SenderEffect.NONE, reason
        return SenderEffect.BREAK, f"{PLAIN_REFUSALS} emails in a row were refused: {reason}"

    def note_alike(
        self, sender_id: uuid.UUID, reason: str, *, to: str, for_now: bool
    ) -> tuple[SenderEffect, str]:
        """A refusal in words that nobody knows: a row of the same ones is a limit of the sender's.

        One domain alone may have its own grudge, and a sender of which nothing was accepted has
        another trouble than a quota. What is refused `for_now` may be greylisted without a word:
        it is not waited for as long as a quota.
        """
        if sender_id not in self._alike:
            return SenderEffect.NONE, reason
        words = _WITH_A_DIGIT.sub("", plain(reason))
        row = self._alike[sender_id]
        if row is None or row.words != words:
            row = self._alike[sender_id] = _Row(words)
        row.people.add(to)
        row.domains.add(to.rpartition("@")[2])
        at_many = len(row.people) >= ALIKE_REFUSALS and len(row.domains) > 1
        if not at_many and not (for_now and len(row.people) >= ALIKE_AT_ONE_DOMAIN):
            return SenderEffect.NONE, reason
        told = f"the last {len(row.people)} emails were refused in the same words"
        if for_now:
            return SenderEffect.REST, f"{told}: {reason}"
        return SenderEffect.LIMIT, f"{told}, and can be tried again: {reason}"

    def note_acceptance(self, sender_id: uuid.UUID) -> None:
        """Something was accepted: what was refused before was not about the sender."""
        self._begin_anew(sender_id)
        self._alike[sender_id] = None
        if (resting := self._resting.get(sender_id)) is not None:
            resting.over()
            if not resting.lasts:
                del self._resting[sender_id]

    def _begin_anew(self, sender_id: uuid.UUID) -> None:
        self._alike.pop(sender_id, None)
        self._refused_by_policy.pop(sender_id, None)
        self._shunned.pop(sender_id, None)
        self._refused.pop(sender_id, None)
        self._limited.pop(sender_id, None)
        self._accused.pop(sender_id, None)

    async def host_reached(self, sender_id: uuid.UUID) -> None:
        """Its server answers again."""
        await self._standing.host_reached(sender_id)

    async def complete_campaigns(self, sender_id: uuid.UUID) -> None:
        """Close campaigns that have nothing left to do."""
        for campaign_id in await self._standing.complete_campaigns(sender_id):
            log.info("campaign %s is complete", campaign_id)
