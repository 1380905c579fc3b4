"""Signing in by a provider, from leaving for it to the user who comes back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paceline.auth.admission import LOCAL_ISSUER, Admission, Vouched, is_owner, vouched_domain
from paceline.auth.auditing import note
from paceline.auth.avatars import Avatars
from paceline.auth.oidc.id_token import Claims
from paceline.auth.oidc.provider import MAX_CODE_CHARACTERS, Provider
from paceline.auth.oidc.transactions import BUTTON_LIFETIME, Transaction, Transactions
from paceline.auth.refusals import Refusal, SignInRefused
from paceline.auth.sign_in import note_refusal
from paceline.auth.tokens import hash_of
from paceline.auth.users import OWNER_NAME, Users
from paceline.domain.acts import Act
from paceline.domain.addresses import MAX_ADDRESS_OCTETS
from paceline.persistence.database import Database
from paceline.persistence.stores import identity, vouching
from paceline.persistence.stores.identity import UserRecord
from paceline.persistence.stores.session import Session

MAX_NAME_CHARACTERS = 100
# A token may be played again until it expires, which is the provider's to say: an hour at Google.
SPENT_KEPT = 25 * BUTTON_LIFETIME

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where to send the browser, and the cookie to give it."""

    url: str
    state: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInBy:
    """Who came back, by whom, and where they wanted to go."""

    user_id: uuid.UUID
    method: str
    next_path: str
    connected: bool = False  # they were signed in already, and have another way in now


class ProviderSignIn:
    """Carries sign-ins out. Every method raises `SignInRefused` or `ProviderUnreachable`."""

    def __init__(
        self,
        database: Database,
        provider: Provider,
        transactions: Transactions,
        admission: Admission,
        avatars: Avatars,
    ) -> None:
        self._database = database
        self.provider = provider
        self._transactions = transactions
        self._admission = admission
        self._avatars = avatars

    async def start(self, next_path: str, *, connects: uuid.UUID | None = None) -> Started:
        """Begin one. `connects`: for somebody who is signed in, and wants another way in."""
        transaction, cookie = self._transactions.begin(next_path, connects=connects)
        domains = self._admission.allowed_domains
        url = await self.provider.authorization_url(
            state=transaction.state,
            nonce=transaction.nonce,
            verifier=transaction.verifier,
            hint=next(iter(domains)) if len(domains) == 1 else "",
        )
        return Started(url=url, state=transaction.state, cookie=cookie)

    async def finish(
        self, answer: Mapping[str, str], cookie: str | None, *, viewer: uuid.UUID | None
    ) -> SignedInBy:
        """What came back by the browser, with the cookie that it was sent away with."""
        if "error" in answer and "state" not in answer:
            # RFC 6749 §4.1.2.1 wants the state here, too; some leave it out. Nothing is at stake.
            raise _said_no(answer["error"])
        transaction = self._transactions.open(cookie, state=answer.get("state", ""))
        if transaction.connects is not None and transaction.connects != str(viewer):
            raise SignInRefused(Refusal.STALE, "somebody else is signed in by now")
        await self._check_sender(answer)
        if "error" in answer:
            raise _said_no(answer["error"])
        code = answer.get("code", "")
        if not 0 < len(code) <= MAX_CODE_CHARACTERS:
            raise SignInRefused(Refusal.UNTRUSTED, "the provider sent no code")
        tokens = await self.provider.tokens(code, verifier=transaction.verifier)
        access_token = _text(tokens.get("access_token"))
        claims = await self.provider.claims(
            tokens.get("id_token"), nonce=transaction.nonce, access_token=access_token
        )
        person = await self._person(claims, access_token)
        return await self._sign_in(person, transaction)

    async def note_refusal(self, refused: SignInRefused) -> None:
        """Write down that somebody whom the provider knows was not let in."""
        await note_refusal(self._database, refused, by=self.provider.host)

    def wanted(self, answer: Mapping[str, str], cookie: str | None) -> str:
        """Where somebody wanted to go who was not let in, for the next try."""
        try:
            return self._transactions.open(cookie, state=answer.get("state", "")).next_path
        except SignInRefused:
            return "/"

    def begin_button(self, next_path: str) -> tuple[str, str]:
        """(nonce for Google's button, cookie)."""
        transaction, cookie = self._transactions.begin_button(next_path)
        return transaction.nonce, cookie

    async def finish_button(self, credential: str, cookie: str | None) -> SignedInBy:
        """The ID token that Google's button gave."""
        transaction = self._transactions.open_button(cookie)
        claims = await self.provider.claims(credential, nonce=transaction.nonce, access_token=None)
        return await self._sign_in(await self._person(claims, ""), transaction)

    async def _check_sender(self, answer: Mapping[str, str]) -> None:
        """Mix-up of providers (RFC 9207)."""
        metadata = await self.provider.metadata()
        sender = answer.get("iss")
        if sender is None and not metadata.names_itself:
            return
        if sender != metadata.issuer:
            raise SignInRefused(Refusal.UNTRUSTED, f"the answer is from {sender!r}")

    async def _person(self, claims: Claims, access_token: str) -> Vouched:
        """Who this is, with what the provider tells elsewhere. The address has to be verified."""
        said = claims
        if not {"email", "email_verified", "name"} <= claims.keys():
            more = await self.provider.userinfo(access_token)
            if more and more.get("sub") != claims["sub"]:
                raise SignInRefused(Refusal.UNTRUSTED, "userinfo is about somebody else")
            # Address and verdict from one place: a verdict on one address is none on another.
            pair = claims if {"email", "email_verified"} <= claims.keys() else more
            said = {**more, **claims, **{k: pair.get(k) for k in ("email", "email_verified")}}
        email = _text(said.get("email")).strip()
        if not email.isprintable() or "@" not in email or len(email) > MAX_ADDRESS_OCTETS:
            raise SignInRefused(Refusal.NO_EMAIL, "the provider tells no address")
        if said.get("email_verified") is not True:
            raise SignInRefused(
                Refusal.UNVERIFIED_EMAIL, "the address is not verified", email=email
            )
        return Vouched(
            issuer=self.provider.settings.issuer,
            subject=claims["sub"],
            email=email,
            name=_name(said.get("name")) or email.partition("@")[0],
            domain=vouched_domain(
                email,
                hosted=_text(claims.get("hd")),
                is_google=self.provider.settings.is_google,
            ),
            picture=_text(said.get("picture")) or None,
        )

    async def _sign_in(self, person: Vouched, transaction: Transaction) -> SignedInBy:
        async with self._database.transaction() as session:
            nonce_hash = hash_of(transaction.nonce)
            if not await vouching.spend(session, nonce_hash, kept=SPENT_KEPT):
                raise SignInRefused(Refusal.STALE, "this sign-in was carried out before")
        connects = None if transaction.connects is None else uuid.UUID(transaction.connects)
        async with self._database.transaction() as session:
            await vouching.take_turns(session, person.issuer, person.subject)
            if connects is not None:
                user_id = await self._connect(session, connects, person)
                told = {"by": self.provider.host}
                await note(session, user_id, Act.WAY_CONNECTED, person.email, told)
            else:
                user_id = await self._user(session, person)
        await self._avatars.refresh(user_id, person.picture)
        return SignedInBy(
            user_id=user_id,
            method=self.provider.host,
            next_path=transaction.next_path,
            connected=connects is not None,
        )

    async def _user(self, session: Session, person: Vouched) -> uuid.UUID:
        """Whose identity this is; a new user's, where it is nobody's."""
        found = await vouching.find(session, person.issuer, person.subject)
        refusal = self._admission.refusal(person)
        if found is None:
            if refusal is not None:
                raise SignInRefused(refusal, f"{refusal} by the settings", email=person.email)
            return await self._newcomer(session, person)
        user, disabled_at = found
        if disabled_at is not None:
            raise SignInRefused(Refusal.DISABLED, "the user is disabled", email=person.email)
        # Who was invited, or owns the installation, needs no list that names them.
        by_invitation = user.issuer == LOCAL_ISSUER and refusal is not Refusal.DOMAIN
        if refusal is not None and not by_invitation:
            raise SignInRefused(refusal, f"{refusal} by the settings", email=person.email)
        await _note(session, user, person)
        return user.id

    async def _newcomer(self, session: Session, person: Vouched) -> uuid.UUID:
        """A new user; on a machine that nobody else can reach, the first one is its owner.

        Not in the place of an owner who is known by another address.
        """
        owner = await Users(self._database).local_owner()
        is_theirs = owner.email is None or owner.email.lower() == person.email.lower()
        if (
            is_theirs
            and self._admission.may_own(person)
            and not await vouching.connected_to(session, owner.user_id)
        ):
            return await self._connect(session, owner.user_id, person)
        user = await identity.ensure_user(
            session,
            issuer=person.issuer,
            subject=person.subject,
            name=person.name,
            email=person.email,
        )
        await _note(session, user, person)
        return user.id

    async def _connect(self, session: Session, user_id: uuid.UUID, person: Vouched) -> uuid.UUID:
        if self._admission.refusal(person) is Refusal.DOMAIN:
            raise SignInRefused(Refusal.DOMAIN, "outside ALLOWED_DOMAINS", email=person.email)
        found = await vouching.find(session, person.issuer, person.subject)
        if found is not None and found[0].id != user_id:
            raise SignInRefused(Refusal.TAKEN, "another user's identity", email=person.email)
        await vouching.connect(session, user_id, person.issuer, person.subject)
        user = await identity.user_by_id(session, user_id)
        if user is not None:
            await _note(session, user, person)
        return user_id


async def _note(session: Session, user: UserRecord, person: Vouched) -> None:
    """What is known of the user today. People of our own keep the name and address they have."""
    ours = user.issuer == LOCAL_ISSUER
    placeholder = OWNER_NAME if is_owner(user) else (user.email or "").partition("@")[0]
    await vouching.update_profile(
        session,
        user.id,
        name=user.name if ours and user.name != placeholder else person.name,
        email=None if ours and user.email is not None else person.email,
        vouched_domain=person.domain,
    )


def _said_no(error: str) -> SignInRefused:
    """OpenID Connect Core §3.1.2.6."""
    if error == "access_denied":
        return SignInRefused(Refusal.CANCELLED, "cancelled at the provider")
    if error in ("unauthorized_client", "invalid_request", "invalid_scope"):
        return SignInRefused(Refusal.MISCONFIGURED, f"the provider answers {error}")
    return SignInRefused(Refusal.PROVIDER_ERROR, f"the provider answers {error[:100]!r}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _name(value: Any) -> str:
    text = "".join(c for c in _text(value)[:MAX_NAME_CHARACTERS] if c.isprintable())
    return text.strip()
