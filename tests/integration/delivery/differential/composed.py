"""Messages as programs compose them: the standard library's, ours, and ours signed."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from paceline.delivery import DkimAlgorithm, DkimKey, DkimSigner, Headers, message

_TEXT = "Grüße,\n\n.ein Punkt am Anfang\n..zwei\n\n-- \nJürgen\n"
_DATE = datetime.datetime(2027, 3, 14, 9, 26, 53, tzinfo=datetime.UTC)
_FILE = random.Random(20270314).randbytes(50_000)


def composed() -> Iterator[tuple[str, bytes]]:
    """Name and message."""
    for encoding in ("7bit", "8bit", "quoted-printable", "base64"):
        text = _TEXT if encoding != "7bit" else _TEXT.replace("ü", "ue").replace("ß", "ss")
        mail = _mail()
        mail.set_content(text, cte=encoding)
        yield f"text as {encoding}", mail.as_bytes()
        yield f"text as {encoding}, by CRLF", mail.as_bytes(policy=policy.SMTP)
    for name, mail in _with_parts():
        yield name, mail.as_bytes(policy=policy.SMTP)
        yield f"{name}, by LF", mail.as_bytes()
    nested: MIMEMultipart | MIMEText = MIMEText("in the middle")
    for _ in range(20):
        around = MIMEMultipart()
        around.attach(nested)
        nested = around
    yield "20 multiparts in each other", nested.as_bytes()
    yield from _ours()


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Jürgen Müller <j@client.test>"
    mail["To"] = "to@sink.test"
    mail["Subject"] = "Grüße aus München, und noch viel mehr, damit die Zeile gefaltet wird"
    mail["Date"] = _DATE
    return mail


def _with_parts() -> Iterator[tuple[str, EmailMessage]]:
    alternative = _mail()
    alternative.set_content(_TEXT)
    alternative.add_alternative("<p>Grüße</p>\n<p>.</p>\n", subtype="html")
    yield "alternatives", alternative
    related = _mail()
    related.set_content(_TEXT)
    related.add_alternative('<img src="cid:a@b.test">', subtype="html")
    [_, html] = related.iter_parts()
    html.add_related(_FILE[:5000], "image", "png", cid="<a@b.test>")
    yield "an image inside", related
    attached = _mail()
    attached.set_content(_TEXT)
    attached.add_attachment(_FILE, "application", "pdf", filename="Übersicht für März.pdf")
    attached.add_attachment("a,b\r\n.\r\n", subtype="csv", filename="x.csv")
    yield "attachments", attached
    forwarded = _mail()
    forwarded.set_content("see below\n")
    forwarded.add_attachment(attached)
    yield "a message in a message", forwarded


def _ours() -> Iterator[tuple[str, bytes]]:
    headers = Headers(
        from_address="jurgen@client.test",
        from_name="Jürgen Müller",
        to_address="to@bücher.test",
        message_id="1@client.test",
        date=_DATE,
        boundary_seed="1",
        extra=(("List-Unsubscribe", "<https://client.test/u/1>"),),
    )
    long = "word " * 3000
    texts = {
        "plain": ("Hello,\n.\n", None),
        "umlauts": (_TEXT, f"<p>{_TEXT}</p>"),
        "Japanese": ("日本語\n" * 100, "<p>日本語</p>"),
        "long lines": (long, f"<p>{long}</p>"),
        "NUL and bare CR": ("a\0b\rc\n", None),
        "nothing": ("", None),
    }
    for name, (text, html) in texts.items():
        made = message(headers, subject="Grüße", text=text, html=html)
        yield f"made by us: {name}", made
    key = DkimKey.generate(DkimAlgorithm.ED25519)
    signer = DkimSigner(key, selector="s", domain="client.test")
    yield "made by us and signed", signer.sign(made, signed_at=_DATE)
