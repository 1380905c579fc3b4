"""What to do about a sender that cannot log in, in words."""

from __future__ import annotations

import pytest

from paceline.domain.next_steps import Trouble, next_step


def trouble(**values: object) -> Trouble:
    given: dict[str, object] = {
        **{"phase": "auth", "code": 535, "detail": "535 5.7.8 no", "host": "mail.example.com"},
        **{"port": 587, "security": "starttls", "auth": "password"},
    }
    return Trouble(**{**given, **values})  # type: ignore[arg-type]  # a test's shorthand


CASES: list[tuple[dict[str, object], str]] = [
    ({}, "user name and password again"),
    ({"host": "smtp.gmail.com"}, "app password"),
    ({"host": "smtp.office365.com"}, "OAuth 2.0"),
    ({"detail": "535 5.7.139 basic authentication is disabled"}, "OAuth 2.0"),
    ({"host": "smtp-relay.brevo.com"}, "SMTP key"),
    ({"auth": "xoauth2"}, "new refresh token"),
    ({"code": 454}, "later"),
    ({"code": 530, "detail": "530 Must issue a STARTTLS command first"}, "Choose STARTTLS"),
    ({"code": None, "detail": "the server offers only XOAUTH2 (AUTH): it takes no password"},
     "takes no passwords"),
    ({"phase": "connect", "code": None, "detail": "mail.example.com has no address: x"},
     "DNS does not know"),
    ({"phase": "connect", "code": None, "detail": "cannot connect to mail.example.com:587 (…)"},
     "Nothing answers"),
    ({"phase": "connect", "code": None, "detail": "host: 10.0.0.1 is not a public address"},
     "public internet"),
    ({"phase": "tls", "code": None, "detail": "the TLS handshake failed: certificate …"},
     "certificate"),
    ({"phase": "tls", "code": None, "detail": "the server does not offer STARTTLS"},
     "TLS with port 465"),
    ({"phase": "tls", "code": None, "detail": "the server does not offer STARTTLS",
      "host": "127.0.0.1"}, "Choose None"),
    ({"phase": "tls", "code": None, "detail": "the server does not offer STARTTLS",
      "host": "mailpit"}, "Choose None"),
    ({"phase": "greeting", "code": None, "detail": "the port wants TLS: choose TLS (port 465)"},
     "do not fit"),
    ({"phase": "greeting", "code": None, "detail": "no answer within 20 s"}, "no mail server"),
    ({"phase": "tls", "code": None, "security": "tls", "detail": "the TLS handshake failed: SSL "
      "handshake is taking longer than 20.0 seconds: aborting the connection"}, "no mail server"),
    ({"phase": "tls", "code": None, "detail": "the server did not answer in time"},
     "no mail server"),
    ({"phase": "ehlo", "code": 550, "detail": "550 go away"}, "HELO_NAME"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "words"), CASES)
def test_each_trouble_has_a_way_out(values: dict[str, object], words: str) -> None:
    assert words in next_step(trouble(**values)).text


def test_the_page_where_it_is_mended_is_named() -> None:
    step = next_step(trouble(host="smtp.gmail.com"))
    assert step.url == "https://myaccount.google.com/apppasswords"
