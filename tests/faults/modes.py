"""The names of what can go wrong at the sink, by the step at which it does.

`421_at_rcpt` answers so, `drop_…` drops the connection, `hang_…` says nothing for a while and then
drops it, `garbage_…` answers with what is no SMTP, `missing_…` does not offer it.
"""

from __future__ import annotations

# Chosen by the door that the connection came in by.
AT_GREETING = (
    "421_at_greeting",
    "451_at_greeting",
    "554_at_greeting",
    "drop_at_greeting",
    "hang_at_greeting",
    "garbage_at_greeting",
)
AT_EHLO = (
    "421_at_ehlo",
    "451_at_ehlo",
    "550_at_ehlo",
    "drop_at_ehlo",
    "hang_at_ehlo",
    "garbage_at_ehlo",
)
AT_TLS = (
    "421_at_tls",
    "454_at_tls",
    "550_at_tls",
    "drop_at_tls",
    "hang_at_tls",
    "garbage_at_tls",
    "missing_at_tls",
    "spoken_at_tls",  # more plain text behind the last reply before TLS, as put there in between
)
IN_HANDSHAKE = (
    "drop_in_handshake",
    "hang_in_handshake",
    "garbage_in_handshake",
    "stranger_in_handshake",  # a certificate that is good for somebody else
)
AT_AUTH = (
    "421_at_auth",
    "454_at_auth",
    "535_at_auth",
    "drop_at_auth",
    "hang_at_auth",
    "garbage_at_auth",
    "missing_at_auth",
)
OPENING = (*AT_GREETING, *AT_EHLO, *AT_TLS, *IN_HANDSHAKE, *AT_AUTH)

# Chosen by the sender's address.
AT_MAIL = ("421_at_mail", "451_at_mail", "550_at_mail", "drop_at_mail", "hang_at_mail")
# Chosen by the recipient's address.
AT_RCPT = ("421_at_rcpt", "451_at_rcpt", "550_at_rcpt", "drop_at_rcpt", "hang_at_rcpt")
AT_DATA = ("421_at_data", "451_at_data", "drop_at_data", "hang_at_data")
IN_BODY = ("drop_in_body", "hang_in_body")
REFUSING = ("421_at_dot", "451_at_dot", "554_at_dot", "5.7.1_at_dot")
SILENT = ("unaccepted_drop", "hang_at_dot", "accepted_drop", "accepted_hang")
TAKING = ("slow_reply", "slow_log", "taken_then_drop", "garbage_at_dot", "split_reply")
UNUSUAL = ("slow_reply", "slow_log", "split_reply")  # and no fault
MODES = (*AT_RCPT, *AT_DATA, *IN_BODY, *REFUSING, *SILENT, *TAKING)

REPLIES = {
    "421": "421 4.3.2 closing",
    "451": "451 4.7.1 greylisted, come back",
    "452": "452 4.2.2 mailbox full",
    "454": "454 4.7.0 not for the moment",
    "535": "535 5.7.8 wrong password",
    "550": "550 5.1.1 no such user",
    "554": "554 5.6.0 not with this content",
    "5.7.1": "550 5.7.1 refused by policy",
}
GARBAGE = "\x00\x01 what you sent was \xff"
