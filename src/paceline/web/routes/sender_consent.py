"""Connecting a sender to its mailbox by consent: leaving for the provider, and coming back."""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict, replace
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from paceline.auth.consents import ConsentRefusal, ConsentRefused, OAuthClient
from paceline.auth.refusals import ProviderUnreachable, SignInRefused
from paceline.errors import InvalidInput
from paceline.services.sender_consents import Underway, Wanted
from paceline.services.sender_grants import NewGrant
from paceline.web.access import SignedIn, Viewer, form_of
from paceline.web.forms import Problems
from paceline.web.grant_words import STALE, told, unreachable
from paceline.web.parts import Parts, Wired
from paceline.web.rendering import go_to, render
from paceline.web.routes.senders import sender_form, sender_page, verified
from paceline.web.sender_form import SenderForm, take
from paceline.web.transaction_cookies import CONSENT, drop_started, put_started, started_cookie

router = APIRouter(prefix="/senders")
log = logging.getLogger(__name__)

CALLBACK = "/senders/connected"
MAX_PARAMETERS = 20
_PLACEHOLDER = "x"  # for what there is only afterwards


@router.post("/connect")
async def connect_new(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """Leave for the provider of a sender that is to be added."""
    return await _leave(request, parts, viewer, None)


@router.post("/{sender_id}/connect")
async def connect(
    request: Request, parts: Wired, viewer: SignedIn, sender_id: uuid.UUID
) -> Response:
    """Leave for the provider of a sender that is there."""
    await parts.senders.get(viewer.principal.user_id, sender_id)
    return await _leave(request, parts, viewer, sender_id)


@router.get("/connected")
async def come_back(request: Request, parts: Wired, viewer: SignedIn) -> Response:
    """What the provider sent the browser back with: the sender is added or changed, and verified.

    By GET, as providers do it: the state is bound to this browser, and to this sign-in.
    """
    pairs = request.query_params.multi_items()
    answer = dict(pairs)
    state = answer.get("state", "")
    try:
        if len(pairs) > MAX_PARAMETERS or len(answer) != len(pairs):
            raise ConsentRefused(ConsentRefusal.UNTRUSTED, "the answer says the same thing twice")
        underway = parts.sender_consents.open(
            started_cookie(request, state, parts, CONSENT), state=state, who=_who(viewer)
        )
    except ConsentRefused as refused:
        log.warning("no sender was connected: %s", refused)
        return go_to(request, "/senders", said=STALE, tone="error")
    response = await _connected(request, parts, viewer, underway, answer)
    drop_started(response, state, parts, CONSENT)
    return response


async def _leave(
    request: Request, parts: Parts, viewer: Viewer, sender_id: uuid.UUID | None
) -> Response:
    """The page that leads on: a form of ours that answered with a redirect to elsewhere would be
    stopped by our own policy, and so would whatever the provider redirects to."""
    form = SenderForm.read(await form_of(request))
    form = replace(form, smtp_username=form.smtp_username.strip() or form.from_address.strip())
    problems = Problems()
    if request.url.netloc != urlsplit(parts.base_url).netloc:
        # The provider sends people back there, where this sign-in is not.
        problems.add("", f"Open Paceline as {parts.base_url} to connect a sender.")
    try:
        _check(parts, form, problems)
        if not problems:
            started = await parts.sender_consents.leave(_wanted(form, sender_id), who=_who(viewer))
    except InvalidInput as error:
        take(problems, error)
    except (ProviderUnreachable, SignInRefused) as error:
        parts.silent_provider.met(error)
        problems.add("", unreachable(_provider(parts, form)))
    if problems:
        return await _form_again(request, parts, viewer, sender_id, form, problems)
    response = render(
        request,
        "sender_leaving.html",
        viewer=viewer,
        section="senders",
        provider=_provider(parts, form),
        account=form.smtp_username,
        to=started.url,
    )
    put_started(request, response, started, parts, CONSENT)
    return response


async def _connected(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    underway: Underway,
    answer: dict[str, str],
) -> Response:
    wanted = underway.wanted
    form = SenderForm(**wanted.typed)
    problems = Problems()
    try:
        grant = await parts.sender_consents.come_back(underway, answer)
        parts.silent_provider.over()
        sender_id = await _store(parts, viewer, wanted.sender_id, form, grant, problems)
    except InvalidInput as error:
        take(problems, error)
    except ConsentRefused as refused:
        log.warning("no sender was connected: %s", refused)
        offer = parts.sender_consents.offer(wanted.smtp_host)
        problems.add(
            *told(
                refused,
                provider=_provider(parts, form),
                account=wanted.account,
                redirect_uri=offer.redirect_uri if offer else "",
            )
        )
    except (ProviderUnreachable, SignInRefused) as error:
        parts.silent_provider.met(error)
        problems.add("", unreachable(_provider(parts, form)))
    if problems or sender_id is None:
        return await _form_again(request, parts, viewer, wanted.sender_id, form, problems)
    return await verified(request, parts, viewer, sender_id, done="Connected")


async def _store(
    parts: Parts,
    viewer: Viewer,
    sender_id: uuid.UUID | None,
    form: SenderForm,
    grant: NewGrant,
    problems: Problems,
) -> uuid.UUID | None:
    """The sender as it was typed, with its grant; its id, or None with the problems noted."""
    owner = viewer.principal.user_id
    whole = form.with_grant(grant)
    if sender_id is None:
        new = whole.as_new(problems, parts.sender_presets.of(form.preset))
        return None if new is None else (await parts.sender_entry.enter(owner, new))[0].id
    before = await parts.senders.get(owner, sender_id)
    patch = whole.as_patch(problems, before=before)
    if patch is not None:
        await parts.senders.patch(owner, sender_id, patch)
    return None if patch is None else sender_id


def _check(parts: Parts, form: SenderForm, problems: Problems) -> None:
    """What could not be stored afterwards is said before."""
    some = NewGrant(client_id=_PLACEHOLDER, refresh_token=_PLACEHOLDER)
    new = form.with_grant(some).as_new(problems, parts.sender_presets.of(form.preset))
    if new is not None:
        parts.sender_consents.check(new)


def _wanted(form: SenderForm, sender_id: uuid.UUID | None) -> Wanted:
    client = None
    if form.oauth_client_id.strip():
        client = OAuthClient(
            client_id=form.oauth_client_id.strip(),
            client_secret=form.oauth_client_secret.strip() or None,
        )
    typed = asdict(replace(form, smtp_password="", oauth_refresh_token=""))
    return Wanted(
        smtp_host=form.smtp_host.strip(),
        account=form.smtp_username,
        client=client,
        token_endpoint=form.oauth_token_endpoint.strip(),
        sender_id=sender_id,
        typed={name: text for name, text in typed.items() if text},
    )


async def _form_again(
    request: Request,
    parts: Parts,
    viewer: Viewer,
    sender_id: uuid.UUID | None,
    form: SenderForm,
    problems: Problems,
) -> Response:
    """The form that was left, with what was typed, and what is the matter."""
    if sender_id is None:
        return await sender_form(request, parts, viewer, form, problems=problems)
    return await sender_page(request, parts, viewer, sender_id, form=form, problems=problems)


def _provider(parts: Parts, form: SenderForm) -> str:
    offer = parts.sender_consents.offer(form.smtp_host)
    return offer.name if offer else "The provider"


def _who(viewer: Viewer) -> str:
    """This sign-in and no other: the token of its forms is its own."""
    return f"{viewer.principal.user_id}:{viewer.csrf}"
