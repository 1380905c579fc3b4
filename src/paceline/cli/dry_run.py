"""`paceline schedule --dry-run`: how the list is read, and the first email; stores nothing.

The message is rendered here, by the very engine that a worker sends with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from paceline import clock
from paceline.cli.client import ApiClient
from paceline.cli.reading import LeadList, shape_lines
from paceline.delivery import Headers, MessageTemplate, RenderError, remarks
from paceline.domain.blocked_files import notes_on_files
from paceline.errors import DomainError

SHOWN_LINES = 200  # of the message


def rehearse(
    client: ApiClient,
    campaign: Mapping[str, Any],
    leads: LeadList,
    sender: Mapping[str, Any],
    *,
    files: Sequence[Path] = (),
) -> Iterator[str]:
    """What would be done, line by line. Raises `DomainError` where nothing could be.

    `files` would go along.
    """
    template = MessageTemplate.compile(
        subject=campaign["subject"], text=campaign.get("text"), html=campaign.get("html")
    )
    fields = sorted(template.fields)
    seen = leads.settled(lambda chosen: client.preview(leads.file, chosen, fields=fields))
    for remark in remarks(
        subject=campaign["subject"],
        text=campaign.get("text"),
        html=campaign.get("html"),
        fields=seen["fields"],
        inline={file.name for file in files},
    ):
        yield f"note: {remark}"
    for said in notes_on_files(file.name for file in files):
        yield f"note: {said}"
    yield from counts(seen)
    yield from shape_lines(seen, leads.chosen)
    sound = []
    for row in seen["first"]:
        if reason := _refusal(template, row):
            yield f"  {row['email']}: is left out: {reason}"
        else:
            sound.append(row)
    if not sound:
        raise DomainError(f"{leads.file.name} holds no recipient that can be used")
    yield from _message(template, sound[0], sender)


def _refusal(template: MessageTemplate, row: Mapping[str, Any]) -> str | None:
    """Why this recipient would not be taken in: no email can be made for them."""
    try:
        template.check_headers(row["email"], row["name"], row["fields"])
        template.check_bodies(row["email"], row["name"], row["fields"])
    except RenderError as error:
        return str(error)
    return None


def counts(seen: Mapping[str, Any]) -> Iterator[str]:
    """What would become of the rows."""
    refused = seen["invalid"]
    parts = [f"{seen['usable']} to be mailed", f"{seen['duplicates']} duplicates"]
    if seen["left_out"]:
        parts.append(f"{seen['left_out']} left out")
    yield ", ".join([*parts, f"{len(refused)} refused"])
    for row in refused[:10]:
        yield f"  line {row['line']}: {row['value']!r}: {row['reason']}"
    if len(refused) > 10:
        yield f"  … and {len(refused) - 10} more"
    yield from (f"  {remark}" for remark in seen["notes"])


def _message(
    template: MessageTemplate, first: Mapping[str, Any], sender: Mapping[str, Any]
) -> Iterator[str]:
    values = {**first["fields"], "email": first["email"], "name": first["name"] or ""}
    headers = Headers(
        from_address=sender["from_address"],
        from_name=sender.get("from_name"),
        to_address=first["email"],
        to_name=first["name"],
        message_id="<dry-run@localhost>",
        date=clock.now(),
        boundary_seed="dry-run",
    )
    message = message_from_bytes(template.render(values, headers=headers), policy=policy.default)
    yield ""
    yield from (f"{name}: {message[name]}" for name in ("From", "To", "Subject"))
    yield ""
    body = message.get_body(preferencelist=("plain", "html"))
    lines = str(body.get_content()).splitlines() if body is not None else []
    yield from lines[:SHOWN_LINES]
    if len(lines) > SHOWN_LINES:
        yield f"… and {len(lines) - SHOWN_LINES} more lines"
