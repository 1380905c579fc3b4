"""What the ends of a turn's emails say about their sender: that it is in trouble, or well again.

One email's end is `consequences`; what is noted of a sender, and when a row of refusals is one too
many, is `resting`. This puts a turn's ends together: the gravest counts, and what else was accepted
may take it back.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from paceline.domain.lifecycle import JobState
from paceline.domain.replies.outcome import says_nothing
from paceline.persistence.ledger import Outcome
from paceline.sending.consequences import Consequence, SenderEffect
from paceline.sending.crowding import Crowding
from paceline.sending.resting import SenderHealth

# Which trouble of a turn counts, the last one most.
_GRAVITY = (
    SenderEffect.NONE,
    SenderEffect.CROWD,
    SenderEffect.REST,
    SenderEffect.LIMIT,
    SenderEffect.BREAK,
)

log = logging.getLogger(__name__)


class Findings:
    """Of one turn. It calls `stop` when nothing more of its sender is to begin."""

    def __init__(
        self,
        sender_id: uuid.UUID,
        health: SenderHealth,
        crowding: Crowding,
        *,
        width: int,
        as_of: datetime,
        stop: Callable[[], None],
    ) -> None:
        self._sender_id = sender_id
        self._health = health
        self._crowding = crowding
        self._width = width
        self._stop = stop
        self._effect = SenderEffect.NONE
        self._reason = ""
        self._as_of = as_of  # the sender that this is about
        self._host_answered = False
        self._accepted = False
        self._accepted_since = False  # since there was trouble
        self._by_policy = False  # that trouble is a refusal that stands, whatever else is accepted
        self._unreached = False  # that trouble is a server that said nothing at all
        self._shunned = False  # that trouble is a row of recipients that refuse it, and no more
        self._crowded = 0  # connections refused
        self._is_well = False  # the last email of this turn was accepted, and that was noted

    def of_email(self, result: Consequence, *, to: str, as_of: datetime) -> None:
        """What the end of one email says about the sender of them all."""
        if result.sender is SenderEffect.NONE and result.outcome.state is JobState.SENT:
            self._accept()
            return
        self._is_well = False
        self._host_answered = self._host_answered or result.left
        reason = result.outcome.reply_text or "no reason given"
        match result.sender:
            case SenderEffect.BREAK | SenderEffect.REST | SenderEffect.LIMIT:
                self.trouble(result.sender, reason, as_of=as_of)
            case SenderEffect.CROWD:
                self._crowded += 1
                unreached = result.outcome.reply_code is None
                self.trouble(result.sender, reason, as_of=as_of, unreached=unreached)
            case SenderEffect.SUSPECT:
                effect, reason = self._health.note_policy(self._sender_id, reason)
                self._by_policy = True
                self.trouble(effect, reason, as_of=as_of)
            case SenderEffect.ACCUSED:
                self._perhaps(self._health.note_accusation, reason, as_of=as_of)
            case SenderEffect.SHUNNED:
                was_broken = self._effect is SenderEffect.BREAK
                self._perhaps(self._health.note_shunned, reason, as_of=as_of)
                self._shunned = self._effect is SenderEffect.BREAK and not was_broken
            case SenderEffect.DOUBTED:
                self._perhaps(self._health.note_refusal, reason, as_of=as_of)
                self._perhaps_alike(result.outcome, reason, to=to, as_of=as_of)
            case SenderEffect.NONE if result.outcome.is_deferral:
                self._perhaps_alike(result.outcome, reason, to=to, as_of=as_of)
            case _:
                return

    def _accept(self) -> None:
        if not self._is_well:
            self._is_well = True
            self._health.note_acceptance(self._sender_id)
            self._host_answered = self._accepted = self._accepted_since = True

    def trouble(
        self, effect: SenderEffect, reason: str, *, as_of: datetime, unreached: bool = False
    ) -> None:
        """Start nothing more; a refused account outweighs a quota, and a quota a lost server."""
        if _GRAVITY.index(effect) >= _GRAVITY.index(self._effect):
            self._effect, self._reason, self._as_of = effect, reason, as_of
            self._unreached, self._shunned = unreached, False
        self._accepted_since = self._is_well = False
        self._stop()

    async def write_down(self, *, host_failures: int) -> bool:
        """Have it known, at the end of the turn. True: the sender is in trouble."""
        self._forgive()
        if self._effect is not SenderEffect.NONE:
            await self._health.note_trouble(
                self._sender_id,
                self._effect,
                as_of=self._as_of,
                host_failures=0 if self._accepted else host_failures,
                reason=self._reason,
                others_work=self._accepted_since,
                unreached=self._unreached,
            )
            return True
        if self._host_answered and host_failures:
            await self._health.host_reached(self._sender_id)
        return False

    def _perhaps(
        self,
        note: Callable[[uuid.UUID, str], tuple[SenderEffect, str]],
        reason: str,
        *,
        as_of: datetime,
    ) -> None:
        """One refusal says little; a row of them says that it is about the sender."""
        effect, reason = note(self._sender_id, reason)
        if effect is not SenderEffect.NONE:
            self.trouble(effect, reason, as_of=as_of)

    def _perhaps_alike(self, outcome: Outcome, reason: str, *, to: str, as_of: datetime) -> None:
        if _says_nothing(outcome):
            note_alike = functools.partial(
                self._health.note_alike, to=to, for_now=outcome.is_deferral
            )
            self._perhaps(note_alike, reason, as_of=as_of)

    def _forgive(self) -> None:
        """No rest while other connections work: an email was accepted all the same."""
        if self._effect is SenderEffect.CROWD and self._accepted:
            width = self._crowding.refused(self._sender_id, of=self._width, refused=self._crowded)
            log.info(
                "sender %s goes on with %d connections: %s", self._sender_id, width, self._reason
            )
        elif not self._accepted_since or not (
            self._shunned or (self._effect is SenderEffect.REST and not self._by_policy)
        ):
            return
        self._effect, self._host_answered = SenderEffect.NONE, True


def _says_nothing(outcome: Outcome) -> bool:
    return (
        outcome.reply_code is not None
        and outcome.phase is not None
        and says_nothing(
            phase=outcome.phase,
            code=outcome.reply_code,
            enhanced=outcome.reply_enhanced,
            text=outcome.reply_text or "",
        )
    )
