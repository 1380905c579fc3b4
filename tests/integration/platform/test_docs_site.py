"""The pages of `make docs`, as whoever opens the folder without a network finds them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main

from paceline.cli.app import app

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/site").rglob("*.md")),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by MkDocs, which ends with an error at a link that leads nowhere."""
    target = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return target


class Page(HTMLParser):
    """What it leads to, what it loads, and where it can be led to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {file: Page(file) for file in site.rglob("*.html") if file.name != "404.html"}
    assert len(pages) > 50
    dead = []
    for file, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme or link in ("#", "."):
                assert link in page.links, f"{file.name} loads {link}"
                continue
            there = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            found = there.exists() and (
                not parts.fragment
                or there not in pages
                or unquote(parts.fragment) in pages[there].anchors
            )
            if not found:
                dead.append(f"{file.relative_to(site)}: {link}")
    assert dead == []


def test_what_is_taken_from_elsewhere_is_there(site: Path) -> None:
    texts = {file.name: file.read_text() for file in site.glob("*.html")}
    assert "catches all mail in a dev inbox" in texts["index.html"]
    assert "<code>/api/v1/campaigns/{campaign_id}/launch</code>" in texts["api.html"]
    assert 'id="paceline-sender-add"' in texts["cli.html"]
    assert "app password" in (site / "guides/gmail.html").read_text()
    for name, text in texts.items():
        assert not re.search(r"<!-- (section|all|preset|commands|routes|decisions)\b", text), name


def commands() -> Iterator[tuple[str, str]]:
    """Each `paceline …` of a block for a terminal, with the page that has it."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                said = re.search(r"(?:^|[\s/(])paceline ((?!\.env)[a-z].*)", line.split(" #")[0])
                if said is not None:
                    yield page.name, said[1].split(")")[0].split(" | ")[0].strip()


@pytest.mark.parametrize(("page", "said"), [*commands()])
def test_a_command_that_is_shown_is_understood(
    page: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as its words go; nothing is run."""
    monkeypatch.chdir(tmp_path)
    command: Any = typer.main.get_command(app)
    arguments = shlex.split(said)
    for word in arguments:
        if re.fullmatch(r"[a-z]+\.(csv|txt|html|log)", word):
            Path(word).touch()
    while arguments and hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    command.make_context("paceline", arguments).close()
