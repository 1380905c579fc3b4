"""An email as a new message to the same person, for the compose page: what it said, filled in.

There a message is a template. So whatever would be read as a merge field is kept from that, unless
the email could not be filled in: then its fields are what has to be mended.
"""

from __future__ import annotations

import re

from paceline.services.views import EmailDetail
from paceline.web.compose_form import PLAIN, SOURCE, ComposeForm

_OPENING = re.compile(r"\{[{%#]")


def typed_copy(detail: EmailDetail, empty: ComposeForm, *, filled_in: bool) -> dict[str, str]:
    """The fields of its draft, as if typed; `empty` is a new one's."""
    keep = as_it_is if filled_in else str
    return {
        "sender_id": str(detail.email.sender_id),
        "subject": keep(detail.email.subject),
        "body": keep(detail.html or detail.text or ""),
        "format": SOURCE if detail.html else PLAIN,
        "when": empty.when,
        "start": empty.start,
        "time_zone": empty.time_zone,
        "min_delay": empty.min_delay,
        "hourly_limit": empty.hourly_limit,
    }


def recipient_of(detail: EmailDetail) -> str:
    """Its line in the list of recipients."""
    to, name = detail.email.to, detail.email.to_name
    if not name:
        return to
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{to}>'


def as_it_is(text: str) -> str:
    """A template that says exactly this."""
    return _OPENING.sub(lambda found: f"{{% raw %}}{found[0]}{{% endraw %}}", text)
