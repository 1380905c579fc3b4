"""What has to survive between leaving for the provider and coming back: a sealed cookie.

It lives in the browser and nowhere else, so that any process of ours can finish what another began.
Sealed, not only signed: who reads the cookie learns neither the verifier nor where somebody goes.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from paceline import clock
from paceline.auth.refusals import Refusal, SignInRefused
from paceline.auth.secretbox import SecretBox, SecretUnreadable
from paceline.auth.tokens import new_secret

LIFETIME = timedelta(minutes=10)
BUTTON_LIFETIME = timedelta(hours=1)  # Google's button waits on a page that somebody left open
MAX_SEALED_CHARACTERS = 3_800  # browsers keep 4,096 octets of a cookie
_BUTTON = "button"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One sign-in under way."""

    state: str
    nonce: str
    verifier: str  # of PKCE (RFC 7636)
    next_path: str
    begun_at: float
    connects: str | None = None  # the user who wants another way in, and is signed in


class Transactions:
    """Begins, seals and opens them."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def begin(
        self, next_path: str, *, connects: uuid.UUID | None = None
    ) -> tuple[Transaction, str]:
        """(transaction, its cookie)."""
        return self._begin(new_secret(), next_path, connects)

    def begin_button(self, next_path: str) -> tuple[Transaction, str]:
        """The same for Google's button, which carries no state."""
        return self._begin(_BUTTON, next_path, None)

    def open(self, sealed: str | None, *, state: str) -> Transaction:
        """The transaction of this state. Raises `SignInRefused` when it is not of this browser."""
        return self._open(sealed, state=state, lifetime=LIFETIME)

    def open_button(self, sealed: str | None) -> Transaction:
        """The same for Google's button."""
        return self._open(sealed, state=_BUTTON, lifetime=BUTTON_LIFETIME)

    def _begin(
        self, state: str, next_path: str, connects: uuid.UUID | None
    ) -> tuple[Transaction, str]:
        transaction = _new(state, next_path, connects)
        sealed = self._seal(transaction)
        if len(sealed) > MAX_SEALED_CHARACTERS:  # better to come back to the front page than not
            transaction = replace(transaction, next_path="/")
            sealed = self._seal(transaction)
        return transaction, sealed

    def _seal(self, transaction: Transaction) -> str:
        text = json.dumps(asdict(transaction), separators=(",", ":"))
        sealed = self._box.seal(text, label=_label(transaction.state))
        return base64.urlsafe_b64encode(sealed).decode()

    def _open(self, sealed: str | None, *, state: str, lifetime: timedelta) -> Transaction:
        if not sealed or not sealed.isascii() or len(sealed) > MAX_SEALED_CHARACTERS:
            raise SignInRefused(Refusal.STALE, "this browser has begun no such sign-in")
        try:
            text = self._box.open(base64.urlsafe_b64decode(sealed), label=_label(state))
        except (SecretUnreadable, binascii.Error, ValueError) as error:
            raise SignInRefused(Refusal.STALE, "the sign-in's cookie does not open") from error
        transaction = Transaction(**json.loads(text))
        age = clock.now().timestamp() - transaction.begun_at
        if age > lifetime.total_seconds():
            raise SignInRefused(Refusal.STALE, f"the sign-in was begun {age:.0f} s ago")
        return transaction


def _new(state: str, next_path: str, connects: uuid.UUID | None) -> Transaction:
    return Transaction(
        state=state,
        nonce=new_secret(),
        verifier=new_secret(),
        next_path=next_path,
        begun_at=clock.now().timestamp(),
        connects=None if connects is None else str(connects),
    )


def _label(state: str) -> str:
    return f"sign-in:{state}"
