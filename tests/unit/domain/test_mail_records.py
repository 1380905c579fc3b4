"""Verdicts on SPF, DKIM and DMARC."""

from __future__ import annotations

import pytest

from paceline.domain import mail_records
from paceline.domain.mail_records import Grade, Walked
from paceline.domain.presets import Preset, preset_of

GOOGLE = preset_of("google-workspace")
POSTMARK = preset_of("postmark")


@pytest.mark.parametrize(
    ("records", "names", "preset", "grade", "words"),
    [
        ((), set(), GOOGLE, Grade.BAD, "There is none"),
        ((), set(), None, Grade.BAD, "There is none"),
        (("v=spf1 -all",), set(), GOOGLE, Grade.BAD, "add include:_spf.google.com"),
        (("v=spf1 include:_spf.google.com ~all",), {"_spf.google.com"}, GOOGLE, Grade.GOOD,
         "names Google Workspace"),
        (("v=spf1 -all", "v=spf1 ~all"), set(), GOOGLE, Grade.BAD, "several"),
        (("v=spf1 +all",), set(), None, Grade.BAD, "anybody"),
        (("v=spf1 mx -all",), set(), None, Grade.GOOD, "There is one"),
        ((), set(), POSTMARK, Grade.GOOD, "return path of its own"),
    ],
)  # fmt: skip
def test_spf_is_judged_by_the_server_that_sends(
    records: tuple[str, ...], names: set[str], preset: Preset | None, grade: Grade, words: str
) -> None:
    verdict = mail_records.spf("x.example", Walked(records=records, names=names), preset)
    assert verdict.grade is grade
    assert words in verdict.words


def test_what_spf_lacks_is_written_out() -> None:
    walked = Walked(records=("v=spf1 mx -all",))
    verdict = mail_records.spf("x.example", walked, GOOGLE)
    assert verdict.publish == "v=spf1 include:_spf.google.com mx -all"


def test_too_many_look_ups_are_refused() -> None:
    walked = Walked(records=("v=spf1 mx -all",), look_ups=11)
    assert mail_records.spf("x.example", walked, None).grade is Grade.BAD


def test_terms_of_spf_are_read_whatever_stands_around_them() -> None:
    record = "v=spf1 +include:A.example a/24 mx:b.example ?exists:%{i}.c ip4:1.2.3.4 redirect=D."
    assert mail_records.look_ups_of(record) == 5
    assert mail_records.followed_from(record) == ["a.example", "d"]


@pytest.mark.parametrize(
    ("texts", "grade", "words"),
    [
        ((), Grade.BAD, "not there yet"),
        (("v=DKIM1; k=rsa; p=AB C",), Grade.GOOD, "fits the key"),
        (("v=DKIM1; k=rsa; p=XYZ",), Grade.BAD, "Another record"),
        (("v=DKIM1; p=",), Grade.BAD, "Another record"),
        (("v=DKIM1; k=rsa; p=ABC", "v=DKIM1; p=XYZ"), Grade.BAD, "several"),
    ],
)
def test_the_key_that_is_published_has_to_be_ours(
    texts: tuple[str, ...], grade: Grade, words: str
) -> None:
    verdict = mail_records.dkim("s._domainkey.x.example", texts, "v=DKIM1; k=rsa; p=ABC")
    assert verdict.grade is grade
    assert words in verdict.words


@pytest.mark.parametrize(
    ("texts", "grade", "words"),
    [
        ((), Grade.WARN, "There is none"),
        (("something else",), Grade.WARN, "There is none"),
        (("v=DMARC1; p=none; rua=mailto:a@x.example",), Grade.GOOD, "report"),
        (("v=DMARC1;p=quarantine",), Grade.GOOD, "put into spam"),
        (("V = DMARC1 ; p = reject",), Grade.GOOD, "refused"),
        (("v=DMARC1",), Grade.BAD, "no policy"),
        (("v=DMARC1; p=none", "v=DMARC1; p=none"), Grade.BAD, "several"),
    ],
)
def test_dmarc_is_judged_by_its_policy(texts: tuple[str, ...], grade: Grade, words: str) -> None:
    verdict = mail_records.dmarc("_dmarc.x.example", texts)
    assert verdict.grade is grade
    assert words in verdict.words


def test_dmarc_stands_at_the_domain_or_above() -> None:
    assert mail_records.dmarc_names("a.b.example") == ["_dmarc.a.b.example", "_dmarc.b.example"]
    assert mail_records.dmarc_names("example") == ["_dmarc.example"]
