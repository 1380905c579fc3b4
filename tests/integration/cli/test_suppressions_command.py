"""`paceline suppressions` against a server on a real port."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli.serving import Paceline


async def test_addresses_are_added_listed_exported_and_taken_off(
    paceline: Paceline, tmp_path: Path
) -> None:
    added = await paceline("suppressions", "add", "A@x.org", "b@x.org", "--note", "asked us to")
    assert added.out.strip() == "2 addresses added, 0 were on the list"
    file = tmp_path / "bounced.csv"
    file.write_text("Address,Why\nb@x.org,bounced\nc@x.org,bounced\nnobody,bounced\n")
    report = await paceline("suppressions", "import", str(file))
    assert report.out.strip() == "1 address added, 1 were on the list"
    assert "line 4: nobody" in report.err
    lines = (await paceline("suppressions", "list")).out.splitlines()
    assert [line.split()[0] for line in lines] == ["a@x.org", "b@x.org", "c@x.org"]
    assert lines[0].endswith("manual, asked us to, by ann@owner.test, by API key “test”")
    exported = (await paceline("suppressions", "export", "--search", "c")).out.splitlines()
    assert [line.split(",")[0] for line in exported] == ["email", "c@x.org"]
    gone = await paceline("suppressions", "remove", "c@x.org", "--note", "a mistake")
    assert gone.out.strip() == "c@x.org may be mailed again"
    assert "none has 'c' in it" in (await paceline("suppressions", "list", "--search", "c")).err
