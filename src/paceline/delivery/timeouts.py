"""How long each step of the conversation may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds, one per phase: the minima of RFC 5321 §4.5.3.2 where it names one.

    `dot_seconds` is long on purpose (§4.5.3.2.6): giving up on a server that is still delivering is
    how doubt, and then duplicates, are made.
    """

    connect_seconds: float = 30  # name and TCP; per address
    greeting_seconds: float = 300
    ehlo_seconds: float = 300
    tls_seconds: float = 60
    auth_seconds: float = 300
    mail_seconds: float = 300
    rcpt_seconds: float = 300
    data_seconds: float = 120
    body_seconds: float = 180  # per block of the body
    dot_seconds: float = 600
    quit_seconds: float = 5  # courtesy only: nothing depends on the answer
    # Without a greeting for so long, it is asked whether the port wants TLS. No time out.
    second_look_seconds: float = 3
    check_seconds: float = 20  # for the whole of a check: a person waits for the answer


RFC_TIMEOUTS = Timeouts()
