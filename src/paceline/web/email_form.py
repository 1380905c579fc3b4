"""One email that waits, as its page asks for it: its recipient, and its message or its values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import FormData

from paceline.errors import FieldProblem
from paceline.services.email_changes import EmailPatch
from paceline.services.rendering import fields_of_message
from paceline.services.views import CampaignView, EmailDetail
from paceline.web.forms import Problems, text_of

_PREFIX = "field-"  # of the merge fields' inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailForm:
    """What is there, and what was typed instead. `labels`: the merge fields, by their inputs, and
    `needed` those of them that the message cannot do without."""

    there: Mapping[str, str]
    typed: Mapping[str, str]
    labels: Mapping[str, str]
    needed: frozenset[str] = frozenset()

    @classmethod
    async def of(cls, detail: EmailDetail, campaign: CampaignView | None) -> EmailForm:
        """As it is; `campaign` None: a single email."""
        email = detail.email
        there = {"to": email.to, "to_name": email.to_name or ""}
        if campaign is None:
            there["subject"] = email.subject
            there |= {"text": detail.text or "", "html": detail.html or ""}
            labels: dict[str, str] = {}
            used: frozenset[str] = frozenset()
        else:
            used = await asyncio.to_thread(
                fields_of_message, campaign.subject, campaign.text, campaign.html
            )
            labels = {f"{_PREFIX}{name}": name for name in sorted(used | detail.fields.keys())}
            there |= {at: _as_text(detail.fields.get(name)) for at, name in labels.items()}
        there = {name: value.replace("\r\n", "\n") for name, value in there.items()}
        return cls(there=there, typed=there, labels=labels, needed=used)

    def read(self, posted: FormData) -> EmailForm:
        """The same with what was typed; what was not sent stays."""
        typed = {name: text_of(posted, name, was) for name, was in self.there.items()}
        return replace(self, typed=typed)

    def patch(self) -> EmailPatch:
        """Only what differs."""
        differing = {n: value for n, value in self.typed.items() if value != self.there[n]}
        changes: dict[str, Any] = {n: v for n, v in differing.items() if n not in self.labels}
        fields = {self.labels[n]: v or None for n, v in differing.items() if n in self.labels}
        if fields:
            changes["fields"] = fields
        return EmailPatch(**changes)

    def take(self, problems: Problems, found: Iterable[FieldProblem]) -> None:
        """A service's problems, each at its input."""
        for problem in found:
            whole, _, field = problem.field.partition(".")
            name = f"{_PREFIX}{field}" if whole == "fields" and field else whole
            if name in self.typed:
                problems.add(name, problem.message)
            elif whole == "fields":  # of all values together, which the message names
                problems.add("", problem.message)
            else:
                problems.add("", f"{problem.field} {problem.message}")


def _as_text(value: object) -> str:
    return "" if value is None else str(value)
