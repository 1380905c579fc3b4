"""What an uploader may settle about a table instead of leaving it to the reader.

Nothing chosen is the usual case: the reader finds the shape out and says it (`shape`). What
is chosen here is followed or refused, never half followed; a refusal says what there is instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from paceline.domain.bounds import MAX_FIELD_NAME
from paceline.errors import FieldProblem, InvalidInput

# Codec → what a person calls it, the likeliest first: what a form offers and an error lists.
ENCODINGS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-16": "Unicode (UTF-16)",
    "cp1252": "Western European (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1257": "Baltic (Windows-1257)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "iso8859-2": "Central European (ISO 8859-2)",
    "iso8859-15": "Western European (ISO 8859-15)",
    "mac-roman": "Western European (Macintosh)",
    "cp850": "Western European (MS-DOS 850)",
    "cp437": "Western European (MS-DOS 437)",
    "koi8-r": "Russian (KOI8-R)",
    "cp866": "Russian (MS-DOS 866)",
    "cp932": "Japanese (Shift JIS)",
    "euc-jp": "Japanese (EUC-JP)",
    "iso2022-jp": "Japanese (JIS, ISO-2022-JP)",
    "gb18030": "Chinese, simplified (GBK, GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "cp949": "Korean (code page 949, EUC-KR)",
    "cp874": "Thai (Windows-874)",
    "utf-8-twice": "Unicode (UTF-8, “Ã©” for “é”)",
    "utf-16-le": "Unicode (UTF-16, little-endian)",
    "utf-16-be": "Unicode (UTF-16, big-endian)",
    "utf-32": "Unicode (UTF-32)",
}
_ALIASES = {
    **{"utf8": "utf-8", "utf-8-sig": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8"},
    **{"utf16": "utf-16", "utf32": "utf-32", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"},
    **{"latin1": "cp1252", "latin-1": "cp1252", "iso-8859-1": "cp1252", "ansi": "cp1252"},
    **{"iso-8859-2": "iso8859-2", "latin2": "iso8859-2", "iso-8859-15": "iso8859-15"},
    **{"macroman": "mac-roman", "macintosh": "mac-roman", "mac": "mac-roman"},
    **{"koi8r": "koi8-r", "ibm866": "cp866", "ibm850": "cp850", "ibm437": "cp437"},
    **{"shift-jis": "cp932", "sjis": "cp932", "shiftjis": "cp932", "windows-31j": "cp932"},
    **{"iso-2022-jp": "iso2022-jp", "jis": "iso2022-jp"},
    **{"ms932": "cp932", "eucjp": "euc-jp", "gbk": "gb18030", "gb2312": "gb18030"},
    **{"gb-18030": "gb18030", "cp936": "gb18030", "cp950": "big5", "big5-hkscs": "big5"},
    **{"euc-kr": "cp949", "euckr": "cp949", "uhc": "cp949", "ks-c-5601-1987": "cp949"},
    **{f"windows-{page}": f"cp{page}" for page in (*range(1250, 1258), 874)},
}
MAX_HEADER_LINE = 1_000  # lines from the top within which a header may be chosen
COLUMNS = ("address_column", "opt_out_column", "opt_in_column")
MAX_COLUMN_NAME = 4 * MAX_FIELD_NAME


class OptedOut(StrEnum):
    """What happens to rows that a column says have opted out, bounced or never agreed."""

    LEAVE_OUT = "leave_out"
    MAIL = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen; None is left to the reader. Raises `InvalidInput` by the field's name.

    `encoding` is one of `ENCODINGS` or a usual alias of it; `header_line` the physical line that
    the header starts on, counted from 1, or 0 for a table without one; `address_column` the title
    of a column, the merge field it would be, or its number counted from 1. So are `opt_out_column`,
    in which a yes, a tick, a date or a word leaves a row out, and `opt_in_column`, in which all but
    a yes does.
    """

    encoding: str | None = None
    header_line: int | None = None
    address_column: str | None = None
    opt_out_column: str | None = None
    opt_in_column: str | None = None
    opted_out: OptedOut = OptedOut.LEAVE_OUT

    def __post_init__(self) -> None:
        problems = [*self._encoding_problems(), *self._other_problems()]
        if problems:
            raise InvalidInput(problems)
        object.__setattr__(self, "encoding", _codec(self.encoding) if self.encoding else None)
        for name in COLUMNS:
            object.__setattr__(self, name, (getattr(self, name) or "").strip() or None)
        object.__setattr__(self, "opted_out", OptedOut(self.opted_out))

    @property
    def columns(self) -> dict[str, str]:
        """The columns that were named, by what for."""
        named = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in named.items() if column is not None}

    def _encoding_problems(self) -> list[FieldProblem]:
        if not self.encoding or _codec(self.encoding):
            return []
        return [FieldProblem("encoding", f"is none that is read; there are: {listed(ENCODINGS)}")]

    def _other_problems(self) -> list[FieldProblem]:
        problems = []
        if self.header_line is not None and not 0 <= self.header_line <= MAX_HEADER_LINE:
            problems.append(
                FieldProblem(
                    "header_line",
                    f"is a line from 1 to {MAX_HEADER_LINE}, or 0 where there is no header",
                )
            )
        problems += [
            FieldProblem(name, f"is longer than {MAX_COLUMN_NAME} characters")
            for name in COLUMNS
            if len(getattr(self, name) or "") > MAX_COLUMN_NAME
        ]
        if self.opted_out not in tuple(OptedOut):
            problems.append(FieldProblem("opted_out", f"is one of: {listed(OptedOut)}"))
        return problems


NOTHING_CHOSEN = Choices()


def _codec(name: str) -> str | None:
    plain = name.strip().lower().replace("_", "-")
    codec = _ALIASES.get(plain, plain)
    return codec if codec in ENCODINGS else None


def listed(options: object) -> str:
    """Options as an error names them."""
    return ", ".join(map(str, options))  # type: ignore[call-overload]
