"""Access to a sender's mailbox by its owner's consent in the browser, in place of a pasted token.

What was typed travels in a sealed cookie, bound to the sign-in it was typed in: any process can
finish what another began, nobody can finish for somebody else, and no refresh token ever reaches a
browser.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from paceline import clock
from paceline.auth import consents
from paceline.auth.consents import ConsentRefusal, ConsentRefused, OAuthClient, Question
from paceline.auth.oidc import Provider, Started
from paceline.auth.oidc.transactions import LIFETIME, MAX_SEALED_CHARACTERS
from paceline.auth.secretbox import SecretBox, SecretUnreadable
from paceline.auth.tokens import new_secret
from paceline.delivery import Auth
from paceline.domain.oauth import GOOGLE, OAuth
from paceline.domain.presets import preset_for_host
from paceline.errors import InvalidInput
from paceline.services import sender_rules
from paceline.services.sender_grants import OF_A_TENANT, NewGrant
from paceline.services.sender_rules import HostPolicy
from paceline.services.senders import NewSender

_NOT_HERE = "is not one that can be connected here: leave it empty, or paste a refresh token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Who can be asked for access to the accounts of a server.

    `has_client`: this installation is known there; else the person names an app of their own,
    which takes people back to `redirect_uri`.
    """

    name: str
    has_client: bool
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Access to `account`, which logs in to `smtp_host`; by a client of the person's own, if any.

    `typed` is kept for whoever comes back; `sender_id` None: the sender is to be added then.
    """

    smtp_host: str
    account: str
    client: OAuthClient | None
    token_endpoint: str = ""
    sender_id: uuid.UUID | None = None
    typed: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """One consent that was left for."""

    wanted: Wanted
    question: Question


class SenderConsents:
    """Leaves for a provider and comes back. `who` is what tells a sign-in from all others."""

    def __init__(
        self,
        secrets: SecretBox,
        policy: HostPolicy,
        *,
        redirect_uri: str,
        provider: Provider | None = None,
    ) -> None:
        """`provider`: the one that vouches for people here, by whose client we are known."""
        self._secrets = secrets
        self._policy = policy
        self._redirect_uri = redirect_uri
        self._provider = provider

    def offer(self, smtp_host: str) -> Offer | None:
        """Who can be asked for the accounts of this server; None where that is not known."""
        preset = preset_for_host(smtp_host)
        if preset is not None and preset.oauth is not None:
            name, has_client = preset.oauth.name, self._client_at(preset.oauth) is not None
        elif preset is None and self._own is not None:
            name, has_client = self._own.host, True
        else:
            return None
        return Offer(name=name, has_client=has_client, redirect_uri=self._redirect_uri)

    def check(self, new: NewSender) -> None:
        """Refuse what could not be stored, before anybody leaves. Raises `InvalidInput`."""
        values = {name: getattr(new, name) for name in NewSender.__slots__}
        values |= {"smtp_auth": Auth.XOAUTH2, "smtp_password": None, "smtp_oauth": None}
        sender_rules.checked(values, policy=self._policy, secret_is_set=True)

    async def leave(self, wanted: Wanted, *, who: str) -> Started:
        """Where to send the browser. Raises `InvalidInput`, `ProviderUnreachable`."""
        oauth, client = await self._asked(wanted)
        question = Question(
            state=new_secret(),
            nonce=new_secret(),
            verifier=new_secret(),
            redirect_uri=self._redirect_uri,
        )
        return Started(
            url=consents.authorization_url(oauth, client, question, account=wanted.account),
            state=question.state,
            cookie=self._sealed(Underway(wanted=wanted, question=question), who),
        )

    def open(self, cookie: str | None, *, state: str, who: str) -> Underway:
        """What this sign-in left for. Raises `ConsentRefused`."""
        if not cookie or not cookie.isascii() or len(cookie) > MAX_SEALED_CHARACTERS:
            raise ConsentRefused(ConsentRefusal.STALE, "this browser has left for no such consent")
        try:
            sealed = base64.urlsafe_b64decode(cookie)
            kept = json.loads(self._secrets.open(sealed, label=_label(state, who)))
        except (SecretUnreadable, binascii.Error, ValueError) as error:
            raise ConsentRefused(ConsentRefusal.STALE, "the consent's cookie does not open") from (
                error
            )
        age = clock.now().timestamp() - kept["begun_at"]
        if age > LIFETIME.total_seconds():
            raise ConsentRefused(ConsentRefusal.STALE, f"the consent was begun {age:.0f} s ago")
        return _read(kept)

    async def come_back(self, underway: Underway, answer: Mapping[str, str]) -> NewGrant:
        """What the consent is worth. Raises `ConsentRefused`, `ProviderUnreachable`."""
        oauth, client = await self._asked(underway.wanted)
        token = await consents.refresh_token(
            oauth, client, underway.question, answer, account=underway.wanted.account
        )
        return NewGrant(
            client_id=client.client_id,
            client_secret=client.client_secret,
            refresh_token=token,
            token_endpoint=oauth.token_endpoint,
        )

    @property
    def _own(self) -> Provider | None:
        """Our own provider, where it may be that of the mailboxes, too.

        It is reached from our network, as are servers of one's own: so where those are allowed.
        """
        provider = self._provider
        if provider is None or provider.settings.is_google or not self._policy.allow_private_hosts:
            return None
        return provider

    def _client_at(self, oauth: OAuth) -> OAuthClient | None:
        """What this installation is known by there. Google takes no client without its secret."""
        provider = self._provider
        if oauth is not GOOGLE or provider is None or not provider.settings.is_google:
            return None
        return _client_of(provider) if provider.settings.client_secret else None

    async def _asked(self, wanted: Wanted) -> tuple[OAuth, OAuthClient]:
        """Who is asked, and what knows us there: never one that was typed by a client of ours."""
        preset = preset_for_host(wanted.smtp_host)
        if preset is not None and preset.oauth is not None:
            oauth = _with_endpoint(preset.oauth, wanted.token_endpoint)
            client = wanted.client or self._client_at(oauth)
        elif preset is None and self._own is not None and not wanted.token_endpoint:
            oauth = await _of_own(self._own)
            client = wanted.client or _client_of(self._own)
        else:
            field = "token_endpoint" if wanted.token_endpoint else "smtp_host"
            raise InvalidInput.of(field, _NOT_HERE)
        if client is None:
            raise InvalidInput.of("client_id", f"is missing: that of your app at {oauth.name}")
        return oauth, client

    def _sealed(self, underway: Underway, who: str) -> str:
        wanted, question = underway.wanted, underway.question
        kept = {
            "begun_at": clock.now().timestamp(),
            "wanted": {
                **asdict(wanted),
                "sender_id": None if wanted.sender_id is None else str(wanted.sender_id),
            },
            "question": asdict(question),
        }
        text = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
        sealed = self._secrets.seal(text, label=_label(question.state, who))
        cookie = base64.urlsafe_b64encode(sealed).decode()
        if len(cookie) > MAX_SEALED_CHARACTERS:
            raise InvalidInput.of("form", "is too long to be kept meanwhile: shorten the names")
        return cookie


def _label(state: str, who: str) -> str:
    return f"consent:{state}:{who}"


def _read(kept: Mapping[str, dict[str, object]]) -> Underway:
    wanted = dict(kept["wanted"])
    sender_id, client = wanted.pop("sender_id"), wanted.pop("client")
    return Underway(
        wanted=Wanted(
            **wanted,  # type: ignore[arg-type]  # as they were sealed
            sender_id=None if sender_id is None else uuid.UUID(str(sender_id)),
            client=None if client is None else OAuthClient(**client),  # type: ignore[arg-type]
        ),
        question=Question(**kept["question"]),  # type: ignore[arg-type]
    )


def _client_of(provider: Provider) -> OAuthClient:
    known = provider.settings
    return OAuthClient(client_id=known.client_id, client_secret=known.client_secret)


def _with_endpoint(known: OAuth, typed: str) -> OAuth:
    """The provider by the endpoint that was typed: its own, or one tenant's of Microsoft."""
    if not typed or typed == known.token_endpoint:
        return known
    if known is GOOGLE or not OF_A_TENANT.fullmatch(typed):
        raise InvalidInput.of("token_endpoint", _NOT_HERE)
    return OAuth(
        name=known.name,
        authorization_endpoint=re.sub(r"/token$", "/authorize", typed),
        token_endpoint=typed,
        scope=known.scope,
    )


async def _of_own(provider: Provider) -> OAuth:
    metadata = await provider.metadata()
    return OAuth(
        name=provider.host,
        authorization_endpoint=metadata.authorization_endpoint,
        token_endpoint=metadata.token_endpoint,
        scope="offline_access",
        issuer=metadata.issuer,
        userinfo_endpoint=metadata.userinfo_endpoint,
        parameters={"prompt": "consent"},  # OpenID Connect Core §11
    )
