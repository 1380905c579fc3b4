"""The messages that are sent by each client: every case has a name, and most of them are nasty."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from tests.integration.delivery.differential.composed import composed

FROM, TO = "from@client.test", "{tag}@sink.test"
HEAD = b"From: from@client.test\r\nTo: to@sink.test\r\nSubject: hello\r\n\r\n"
SMUGGLED = b"MAIL FROM:<x@evil.test>\r\nRCPT TO:<victim@sink.test>\r\nDATA\r\n\r\nboo\r\n.\r\n"

_LINE_ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r"}


class Case(NamedTuple):
    """A message and its envelope; `{tag}` in the recipient makes it one of its own."""

    name: str
    content: bytes
    mail_from: str = FROM
    rcpt_to: str = TO
    smtp_utf8: bool = False
    malformed: bool = False  # has no header by RFC 5322, which relays mend in ways of their own


def corpus() -> list[Case]:
    """All of them."""
    bodies = [*_dots(), *_smuggling(), *_line_ends(), *_octets(), *_long_lines(), *_sizes()]
    cases = [Case(name, HEAD + body) for name, body in bodies]
    cases += [Case(name, content) for name, content in (*_headers(), *_crumbs(), *composed())]
    cases += [Case(name, content, malformed=True) for name, content in _malformed()]
    cases += [Case(f"made {number}", content) for number, content in enumerate(_made(120))]
    return cases + list(_envelopes())


def _dots() -> Iterator[tuple[str, bytes]]:
    patterns = {
        "a lone dot": [b"."],
        "two dots": [b".."],
        "three dots": [b"..."],
        "a dot and a letter": [b".a"],
        "a dot and a space": [b". "],
        "a dot at a line's end": [b"a."],
        "a dot first": [b".", b"a"],
        "a dot last": [b"a", b"."],
        "dots between": [b"a", b".", b"..", b".b", b"c"],
        "nothing but dots": [b"."] * 300,
    }
    for (what, lines), (end_name, end) in product(patterns.items(), _LINE_ENDS.items()):
        yield f"{what}, by {end_name}", end.join([*lines, b""])
        yield f"{what}, by {end_name}, no final line end", end.join(lines)


def _smuggling() -> Iterator[tuple[str, bytes]]:
    for (before_name, before), (after_name, after) in product(_LINE_ENDS.items(), repeat=2):
        yield f"{before_name} dot {after_name} MAIL", b"a" + before + b"." + after + SMUGGLED
    yield "NUL in the end", b"a\r\n\0.\r\n" + SMUGGLED + b"\r\n.\0\r\n" + SMUGGLED
    yield "NEL dot NEL", b"a\x85.\x85" + SMUGGLED
    yield "CR CRLF dot CR CRLF", b"a\r\r\n.\r\r\n" + SMUGGLED
    yield "CR LF apart by NUL", b"a\r\0\n.\r\0\n" + SMUGGLED
    yield "a whole second message", b"a\r\n.\r\n" + SMUGGLED
    yield "QUIT and RSET", b"QUIT\r\nRSET\r\n.QUIT\r\n.\r\nQUIT\r\n"


def _line_ends() -> Iterator[tuple[str, bytes]]:
    for length in (1, 2, 3, 4):
        for octets in product(b"\r\n", repeat=length):
            name = "".join("CR " if octet == 0x0D else "LF " for octet in octets)
            yield f"{name}alone", b"a" + bytes(octets) + b"b"
    yield "CR at the very end", b"a\r"
    yield "CRLF CR at the very end", b"a\r\n\r"
    yield "500 empty lines", b"\r\n" * 500
    yield "every line end by turns", b"".join(b"line\r\n\rline\n\nline\r" for _ in range(50))


def _octets() -> Iterator[tuple[str, bytes]]:
    yield "all octets", bytes(range(256))
    yield "all octets backwards", bytes(range(255, -1, -1))
    yield "NULs", b"\0" * 100 + b"\r\n\0\r\n"
    yield "control characters", b"a\x07\x08\x0b\x0c\x1a\x1b\x7fz\r\n\x1a\r\n\x04\r\n"
    yield "Latin-1", "Grüße, ça va?\r\n".encode("latin-1")
    yield "UTF-8", "Grüße, 日本語, 🙂\r\n".encode()
    yield "broken UTF-8", b"\xc3\r\n\xff\xfe\r\n\xe2\x82\r\n"
    yield "UTF-16 with dots and line ends", "a\r\n.\r\nb".encode("utf-16")
    yield "a byte order mark", b"\xef\xbb\xbftext\r\n"
    yield "separators of Unicode", "a\u2028.\u2028b\u2029.\u0085.\r\n".encode()
    yield "IAC of Telnet", b"\xff\xf4\xff\xfd\x06\r\n"
    yield "blanks at lines' ends", b"a \r\nb\t\r\n \r\n\t\r\n"
    yield "lines that begin with From", b"From me\r\n\r\nFrom x@y.test Mon\r\n>From\r\n"


def _long_lines() -> Iterator[tuple[str, bytes]]:
    for length in (
        76,
        78,
        510,
        512,
        996,
        997,
        998,
        999,
        1000,
        1001,
        2047,
        2048,
        2049,
        4096,
        70_000,
    ):
        yield f"a line of {length}", b"x" * length + b"\r\nend\r\n"
    # Servers cut long lines into pieces: a dot that comes to stand first in one is no dot of ours.
    for length in (998, 2047, 2048, 2049, 4096):
        yield f"a dot after {length} octets of a line", b"x" * length + b"." + b"\r\n.\r\n"
    yield "a line of 3,000 dots", b"." * 3000 + b"\r\n"
    yield "a line of 998 dots", b"." * 998 + b"\r\n"


def _sizes() -> Iterator[tuple[str, bytes]]:
    for size in (1460, 4096, 8192, 16_384, 65_536, 131_072, 262_144):
        for off in (-1, 0, 1):
            yield f"{size + off} octets", _filled(size + off - len(HEAD))
        yield f"line ends around octet {size}", _straddling(size)
    yield "1 MiB", _filled(1024 * 1024)
    yield "1 MiB of lines with a dot", b".\r\n" * (1024 * 1024 // 3)
    yield "1 MiB of bare LF", b"0123456789abcde\n" * (1024 * 1024 // 16)


def _filled(size: int) -> bytes:
    line = b"".join(b"%02d" % number for number in range(35)) + b"\r\n"
    return (line * (size // len(line) + 1))[: size - 2] + b"\r\n"


def _straddling(size: int) -> bytes:
    """CR, LF and dot on both sides of an octet of the message, the doubled dots not counted."""
    body = b""
    for end in (size - 2, size + 70, 2 * size - 1):
        body += _filled(end - len(HEAD) - len(body) - 2)[:-2] + b"zz\r\n.\r\n..\r\n"
    return body


def _headers() -> Iterator[tuple[str, bytes]]:
    lines = {
        "100 headers": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(100)),
        "1,000 headers": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(1000)),
        "folded by a space": b"Subject: a\r\n b\r\n c\r\n",
        "folded by a tab": b"Subject: a\r\n\tb\r\n\tc\r\n",
        "folded with nothing on the first line": b"Subject:\r\n a\r\n",
        "folded with a blank line": b"Subject: a\r\n \r\n b\r\n",
        "folded by bare LF": b"Subject: a\n b\nX-A: c\n",
        "folded by bare CR": b"Subject: a\r b\rX-A: c\r",
        "a header of 998": b"X-Long: " + b"x" * 990 + b"\r\n",
        "a header of 60,000, folded": b"X-Long:" + b" 123456789\r\n" * 5000,
        "empty headers": b"Subject:\r\nX-Empty: \r\n",
        "no space behind the colon": b"Subject:hello\r\n",
        "blanks at the end": b"Subject: hello  \t\r\n",
        "twice the same": b"Subject: a\r\nSubject: b\r\nTo: a@x.test\r\nTo: b@x.test\r\n",
        "Received and Return-Path": b"Return-Path: <a@x.test>\r\nReceived: from x; y\r\n" * 3,
        "Bcc": b"Bcc: secret@x.test\r\nResent-Bcc: secret@x.test\r\n",
        "Content-Length": b"Content-Length: 3\r\nLines: 1\r\n",
        "encoded words": b"Subject: =?utf-8?b?R3LDvMOfZQ==?= =?utf-8?q?_x=C3=A9?=\r\n",
        "an encoded word that hides CRLF": b"Subject: =?utf-8?q?a=0D=0ABcc:_v@x.test?=\r\n",
        "parameters in pieces": b"Content-Type: a/b;\r\n x*0*=utf-8''%C3%A9;\r\n x*1=y\r\n",
        "raw UTF-8": "Subject: Grüße 日本\r\nFrom: Jürgen <j@x.test>\r\n".encode(),
        "raw Latin-1": "Subject: Grüße\r\n".encode("latin-1"),
        "a dot first in a header": b".Subject: a\r\n..X: b\r\n",
        "lists and ids": b"Message-ID: <a@b.test>\r\nList-Unsubscribe: <mailto:a@b>,\r\n <x:y>\r\n",
        "group syntax": b"To: undisclosed-recipients:;\r\nCc: A: a@x.test, b@x.test;\r\n",
        "Resent block": b"Resent-From: a@x.test\r\nResent-To: b@x.test\r\nResent-Date: x\r\n",
        "MIME that lies": b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n",
    }
    for name, header in lines.items():
        yield name, header + b"\r\nbody\r\n"
        yield f"{name}, 8-bit body", header + "\r\nbödy\r\n".encode()


def _crumbs() -> Iterator[tuple[str, bytes]]:
    """Hardly messages at all."""
    yield "nothing", b""
    yield "one CR", b"\r"
    yield "one LF", b"\n"
    yield "one CRLF", b"\r\n"
    yield "CRLF dot CRLF", b"\r\n.\r\n"
    yield "an empty header, then text", b"\r\ntext\r\n"
    yield "a header without a body", b"Subject: x\r\n"
    yield "a header without a line end", b"Subject: x"
    yield "a header and an empty line", b"Subject: x\r\n\r\n"


def _malformed() -> Iterator[tuple[str, bytes]]:
    yield "one dot", b"."
    yield "one dot and CRLF", b".\r\n"
    yield "one letter", b"a"
    yield "one NUL", b"\0"
    yield "a body without a header", b"just\r\ntext\r\n"
    yield "a first line that is folded", b" folded\r\nSubject: x\r\n\r\nbody\r\n"
    yield "a From line of an mbox", b"From me@x.test Mon Jan  1\r\nSubject: x\r\n\r\nbody\r\n"
    yield "a header line without a colon", b"Subject: x\r\nno colon\r\nX: y\r\n\r\nbody\r\n"
    yield "blanks before a colon", b"Subject : hello\r\nX-A\t: b\r\n\r\nbody\r\n"
    yield "NUL in a header", b"Subject: a\0b\r\n\r\nbody\r\n"


def _made(count: int) -> Iterator[bytes]:
    """Many made of nasty pieces, the same in every run."""
    dice = random.Random(20270314)
    pieces = [b".", b"..", b".\r\n", b"\r\n.", b"\r\n..", b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\r"]
    pieces += [b"\t", b" ", b"From me", b"x" * 70, "käse".encode(), b"=\r\n", b"\x1a", b"QUIT\r\n"]
    pieces += [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\n", b"\0", b"\xff"]
    for number in range(count):
        body = b"".join(dice.choices(pieces, k=dice.randrange(1, 40)))
        yield b"Subject: %d\r\n\r\n%b" % (number, body)


def _envelopes() -> Iterator[Case]:
    message = HEAD + b"body\r\n"
    recipients = {
        "a plus": "a+{tag}@sink.test",
        "an apostrophe": "o'neil.{tag}@sink.test",
        "capitals": "Ann.{tag}@SINK.Test",
        "a percent sign": "a%b.{tag}@sink.test",
        "an exclamation mark": "host!{tag}@sink.test",
        "all that an atom may hold": "!#$%&'*+-/=?^_`|~.{tag}@sink.test",
        "a local part of 64": "x" * 56 + ".{tag}@sink.test",
        "a long domain": "{tag}@" + "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + ".test",
        "a domain of digits": "{tag}@123.45.test",
        "a domain with hyphens": "{tag}@a--b.c-d.test",
        "a German domain": "{tag}@bücher.test",
        "a domain with sharp s": "{tag}@straße.test",
        "a Japanese domain": "{tag}@日本語.test",
        "a domain as A-label": "{tag}@xn--bcher-kva.test",
        "a German local part": "jürgen.{tag}@sink.test",
        "a Japanese local part": "日本.{tag}@sink.test",
        "both international": "jürgen.{tag}@bücher.test",
    }
    for what, address in recipients.items():
        yield Case(f"to {what}", message, rcpt_to=address)
        yield Case(f"from {what}", message, mail_from=address.format(tag="me"))
    headers = "From: Jürgen <jürgen@bücher.test>\r\nTo: 日本@sink.test\r\nSubject: Grüße\r\n\r\n"
    yield Case("international headers", headers.encode() + b"body\r\n", smtp_utf8=True)
    yield Case(
        "everything international",
        headers.encode() + "bödy\r\n".encode(),
        mail_from="jürgen@bücher.test",
        rcpt_to="日本.{tag}@日本語.test",
        smtp_utf8=True,
    )
