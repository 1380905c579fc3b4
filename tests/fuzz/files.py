"""Family `files`: names, types and ids of attachments that want to be headers, or other files.

Refused with the field at fault named, or found by the stdlib's reader with the same name (RFC 2231)
and the same octets, in a message that is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random
from urllib.parse import unquote

from paceline.delivery import Attached, Attachment, Headers, message
from paceline.errors import InvalidInput
from tests.fuzz import alphabet
from tests.fuzz.hunting import Family, hold, pure

HEADERS = Headers(
    from_address="news@example.com",
    to_address="ann@example.org",
    message_id="<1@example.com>",
    date=datetime(2027, 1, 1, tzinfo=UTC),
    boundary_seed="seed",
)
_NAMES = (
    *(
        "report.pdf",
        "Größe 1.txt",
        "日本語の長い名前" * 9 + ".docx",
        "a'b\"c.txt",
        "utf-8''x.txt",
        "%41.txt",
    ),
    *(
        "../../etc/passwd",
        "C:\\x",
        ".htaccess",
        "..",
        ".",
        " x",
        "x ",
        "a;b=c.txt",
        "a*0*=b",
        "x" * 201,
        "",
    ),
    *(
        "gpj.\u202eexe",
        "a\u200bb",
        "=?utf-8?q?a=0D=0AX:_y?=",
        "=?utf-8?b?YQ==?=.txt",
        'a\\"; x="y',
        "😀" * 60,
    ),
)
_TYPES = (
    *(
        "image/png",
        "TEXT/HTML; charset=utf-8",
        'text/plain; charset="iso-8859-1"',
        "application/pdf",
        "",
    ),
    *(
        "multipart/mixed; boundary=x",
        "message/rfc822",
        "image/png\r\nX: y",
        "a/b/c",
        "image",
        "text/x; name=a",
    ),
    *(
        "text/plain; charset=a\r\nb",
        "image/svg+xml",
        "x/" + "y" * 200,
        'image/png; foo="bar"',
        "ımage/png",
    ),
)
_IDS = (
    None,
    None,
    None,
    "logo",
    "a.b-c_d",
    "a b",
    "<a@b>",
    "a\r\nb",
    "é",
    "x" * 65,
    "",
    "a..b",
    "-a",
)


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    content_id: str | None
    content: bytes
    html: str | None


def make(dice: Random) -> Case:
    """One file, with one thing or two about it that are hostile."""
    name, kind = dice.choice(_NAMES), dice.choice(_TYPES)
    turn = dice.random()
    if turn < 0.3:
        name = alphabet.spoiled(dice, name, most=2)
    elif turn < 0.5:
        name = alphabet.mild(dice, most=4)
    if dice.random() < 0.2:
        kind = alphabet.spoiled(dice, kind, most=2)
    content_id = dice.choice(_IDS)
    if content_id and dice.random() < 0.1:
        content_id = alphabet.spoiled(dice, content_id, most=1)
    if content_id and dice.random() < 0.8:
        kind = "image/png"
    content = dice.randbytes(dice.choice((0, 1, 56, 57, 58, 300)))
    content = dice.choice((content, b"\r\n.\r\n" * 30, b"--=_\r\n" * 9))
    shown = dice.choice((None, "<p>Hi</p>", f'<img src="cid:{content_id}">', "cid:" * 9))
    return Case(name, kind, content_id, content, shown)


def judge(case: Case) -> str:
    """Attached and found again, or refused."""
    try:
        file = Attachment(
            file_name=case.name,
            content_type=case.kind,
            content=case.content,
            content_id=case.content_id,
        )
    except InvalidInput as refused:
        for problem in refused.problems:
            _check_blame(case, problem.field)
        return "refused"
    made = message(
        HEADERS, subject="Hi", text="Hi", html=case.html, attached=Attached.compile([file])
    )
    hold(
        made.isascii() and not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", made),
        "is not sound on the wire",
    )
    hold(max(map(len, made.split(b"\r\n"))) <= 998, "a line that is too long")
    parsed = message_from_bytes(made, policy=policy.SMTP)
    assert isinstance(parsed, EmailMessage)
    hold(not any(part.defects for part in parsed.walk()), "a reader finds defects")
    leaves = [part for part in parsed.walk() if not part.is_multipart()]
    hold(len(leaves) == 2 + (case.html is not None), "another number of parts")
    _check_part(case, file, leaves[-1], made.rpartition(b"Content-Disposition: ")[2])
    return "attached" if case.content_id is None else "inline"


def _check_blame(case: Case, field: str) -> None:
    """What was blamed, in the eyes of somebody who knows what a good one looks like."""
    if field == "file_name":
        plain = re.fullmatch(r"[A-Za-z0-9_]+(?:[. -][A-Za-z0-9_]+)*", case.name)
        hold(not plain or len(case.name) > 200, "refused a plain name")
    elif field == "content_id":
        plain = re.fullmatch(r"[A-Za-z0-9]{1,60}", case.content_id or "")
        hold(case.content_id is not None and not plain, "refused a plain id")
    else:
        hold(field == "content_type" and case.content_id is not None, f"blames {field}")
        hold(not re.fullmatch(r"image/[a-z]+", case.kind), "refused a plain image")


def _check_part(case: Case, file: Attachment, part: EmailMessage, raw: bytes) -> None:
    hold(part.get_payload(decode=True) == case.content, "a reader finds other octets")
    hold(_file_name(raw) == case.name, "by RFC 2231, it has another name")
    # This reader takes quotation marks and <> away also where they were encoded.
    found_name = part.get_filename()
    stripped = re.fullmatch(r'".*"|<.*>', case.name, re.DOTALL)
    hold(stripped or found_name == case.name, f"a reader finds the name {found_name!a}")
    kinds = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}
    wanted = kinds | ({"Content-ID"} if case.content_id is not None else set())
    hold(set(part.keys()) == wanted and len(part.keys()) == len(wanted), "other headers")
    inline = case.content_id is not None
    hold(part.get_content_disposition() == ("inline" if inline else "attachment"), "is elsewhere")
    hold(part["Content-ID"] == (f"<{file.wire_id}>" if inline else None), "another id")
    declared = case.kind.strip().partition(";")[0].rstrip().lower()
    found = part.get_content_type()
    hold(found in (declared, "application/octet-stream"), f"{declared!a} became {found}")
    hold(set(dict(part["Content-Type"].params)) <= {"charset", "name"}, "other parameters")


def _file_name(raw: bytes) -> str:
    """The name as RFC 2231 §4 says to put it together, out of Content-Disposition's value."""
    value = raw.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "")
    if plain := re.fullmatch(r'\w+; filename="([^"\\%]+)"', value):
        return plain[1]
    parts = re.split(r"; ", value)[1:]
    single = re.fullmatch(r"filename\*=utf-8''([^;\s]*)", parts[0])
    if single and len(parts) == 1:
        return unquote(single[1], errors="strict")
    pieces = [re.fullmatch(rf"filename\*{i}\*=([^;\s]*)", part) for i, part in enumerate(parts)]
    hold(all(pieces), f"is no parameter of RFC 2231: {value[:80]}")
    joined = "".join(piece[1] for piece in pieces if piece)
    return unquote(joined.removeprefix("utf-8''"), errors="strict")


FILES = Family(
    name="files",
    cases=8_000,
    outcomes=frozenset({"refused", "attached", "inline"}),
    make=make,
    open=pure(judge),
)
