"""A copied message says what the email said, braces and all."""

from __future__ import annotations

import pytest

from paceline.clock import now
from paceline.delivery import Headers, MessageTemplate
from paceline.domain.identifiers import new_id
from paceline.web.email_copy import as_it_is

HEADERS = Headers(
    from_address="a@example.org",
    from_name=None,
    to_address="b@example.org",
    to_name=None,
    message_id="<1@example.org>",
    date=now(),
    boundary_seed=new_id().hex,
)


@pytest.mark.parametrize(
    "text",
    [
        "plain {braces} stay",
        "Dear {{ name }}",
        "{% if x %}{# a remark #}{% endif %}",
        "{{{{ four }}}}",
        "{{{ three }}} and {{% odd %}",
        "{% raw %}{{ kept }}{% endraw %}",
        "{",
        "ends with {{",
    ],
)
def test_whatever_looks_like_a_field_is_said_as_it_is(text: str) -> None:
    template = MessageTemplate.compile(subject="s", text=as_it_is(text), html=None)
    assert template.fields == frozenset()
    said = template.render({}, headers=HEADERS)
    assert said.partition(b"\r\n\r\n")[2].decode().strip() == text
