"""The fields of the form that is being drawn: each is named once, each error is written once.

A field registers itself when it is drawn (`templates/kit/form.html`); the banner above the form,
which is drawn last, links to each that is wrong, and the first of them gets the focus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup

# What a label that is no noun is called in a sentence.
_SUBJECTS = {
    "addresses": "The list",
    "attached": "The file",
    "email_sender_id": "The sender",
    "ends": "The date",
    "file": "The list",
    "sender_id": "The sender",
}
# How a service begins what it says about a field, which it does not name.
_OF_A_SUBJECT = re.compile(
    "(?:Is|Are|Was|Has|Must|May|Can|Cannot|(?!This |Its |Addresses |Unless )[A-Z][a-z]+s)(?= )"
)


def told(message: str, *, subject: str) -> str:
    """A whole sentence: "Is missing." says of the subject "Server" that "Server is missing."."""
    begins = _OF_A_SUBJECT.match(message)
    return f"{subject} {begins[0].lower()}{message[begins.end() :]}" if begins else message


class Wrong(NamedTuple):
    """One field that is wrong: its id, its label, and the sentence about it."""

    id: str
    label: str
    message: str


@dataclass(slots=True)
class Fields:
    """Made anew for each page. `problems` are those of `forms.Problems`, by name."""

    problems: Mapping[str, str]
    wrong: list[Wrong] = field(default_factory=list)
    _labels: dict[str, str] = field(default_factory=dict)

    def control(self, name: str, label: str, *, hint: str = "", id: str = "") -> Markup:
        """The attributes that tie a control to its label, and to its error or hint."""
        id = id or name
        self._labels[name] = label
        message = self.error(name)
        attributes = Markup(' id="{}" name="{}"').format(id, name)
        if message or hint:
            attributes += Markup(' aria-describedby="{}-note"').format(id)
        if message:
            attributes += Markup(' aria-invalid="true"')
            # Without a script, too, the first thing to mend has the focus.
            attributes += Markup(" autofocus") if not self.wrong else Markup("")
            self.wrong.append(Wrong(id, label, message))
        return attributes

    def error(self, name: str) -> str:
        """What is wrong with this field; "" nothing."""
        message, subject = (
            self.problems.get(name, ""),
            _SUBJECTS.get(name) or self._labels.get(name),
        )
        return told(message, subject=subject) if subject else message

    def mark(self) -> int:
        """A place in the page; `since` tells what is wrong below it."""
        return len(self.wrong)

    def since(self, mark: int) -> list[Wrong]:
        """What is wrong among the fields drawn after this mark."""
        return self.wrong[mark:]
