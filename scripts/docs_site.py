"""What `make docs` fills in, so that nothing has to be said twice: a hook of MkDocs.

A page of docs/site may hold, in a line of its own:

    <!-- section README.md#Two commands -->   that section, without its heading; `#` alone: what
                                              stands before the first one
    <!-- all docs/DEPLOYMENT.md -->           all of that file
    <!-- preset gmail -->                     what Paceline knows of that provider
    <!-- commands -->, <!-- routes -->        the command line's help, the API's routes
    <!-- decisions -->                        the list of docs/adr, each of which is a page

Links are made to lead to the page that holds what they meant; to what is on no page, they are text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from paceline.api.app import _application
from paceline.cli.app import app
from paceline.domain.preset_table import LOG_INS, PACES

ROOT = Path(__file__).resolve().parents[1]
ADRS = sorted((ROOT / "docs/adr").glob("*.md"))
# Which page a file of the repository is on; of pages, their own is added.
PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changes.md",
    "docs/ARCHITECTURE.md": "architecture.md",
    "docs/BENCHMARKS.md": "benchmarks.md",
    "docs/DEPLOYMENT.md": "deployment.md",
    "docs/RELIABILITY.md": "reliability.md",
    "docs/SCALING.md": "scaling.md",
    "docs/dependencies.md": "dependencies.md",
    "docs/adr": "decisions/index.md",
    **{f"docs/adr/{file.name}": f"decisions/{file.name}" for file in ADRS},
    **{
        f"docs/screens/{file.name}": f"screens/{file.name}"
        for file in (ROOT / "docs/screens").iterdir()
    },
}
_DIRECTIVE = re.compile(r"^<!-- ([a-z]+)(?: (.+?))? -->$", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Decisions and pictures, from where they are."""
    for file in ADRS:
        text = relinked(file.read_text(), at=file, page=f"decisions/{file.name}")
        files.append(File.generated(config, f"decisions/{file.name}", content=text))
    for file in sorted((ROOT / "docs/screens").iterdir()):
        files.append(File.generated(config, f"screens/{file.name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """With what it asks for."""

    def filled(found: re.Match[str]) -> str:
        return FILLERS[found[1]](found[2] or "", page.file.src_uri)

    return _DIRECTIVE.sub(filled, markdown) if not page.file.generated_by else markdown


def section(asked: str, page: str) -> str:
    """Raises KeyError where the file has no such heading: the build fails."""
    name, _, heading = asked.partition("#")
    file = ROOT / name
    return relinked(sections_of(file.read_text())[heading].strip(), at=file, page=page)


def sections_of(text: str) -> dict[str, str]:
    """By their headings of the second degree; `""`: what stands between the title and the first."""
    found: dict[str, list[str]] = {"": []}
    heading, in_code = "", False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            heading = line.removeprefix("## ")
            found[heading] = []
        elif not (line.startswith("# ") and not in_code):
            found[heading].append(line)
    return {heading: "\n".join(lines) for heading, lines in found.items()}


def whole(asked: str, page: str) -> str:
    file = ROOT / asked
    return relinked(file.read_text(), at=file, page=page)


def relinked(text: str, *, at: Path, page: str) -> str:
    """The text of a file, as it has to stand on a page."""

    def led(found: re.Match[str]) -> str:
        mark, label, target = found.groups()
        if re.match(r"[a-z]+:", target):
            return found[0]
        name, hash_, anchor = target.partition("#")
        meant = at if not name else (at.parent / name).resolve()
        there = PAGES.get(meant.relative_to(ROOT).as_posix())
        if there is None:
            return label if "`" in label else f"`{label}`"
        return f"{mark}[{label}]({os.path.relpath(there, Path(page).parent)}{hash_}{anchor})"

    parts = _FENCE.split(text)
    return "".join(part if n % 2 else _LINK.sub(led, part) for n, part in enumerate(parts))


def preset(key: str, _: str) -> str:
    pace, log_in = PACES[key], LOG_INS[key]
    lines = [f"- **Server**: `{pace.host}`", f"- **User name**: {log_in.user_name}"]
    made_at = f" It is made at <{log_in.url}>." if log_in.url else ""
    lines.append(f"- **Password**: {log_in.credential}{made_at}")
    if pace.limits:
        lines.append(f"- **Limits**: {pace.limits}")
    return "\n".join(lines)


def routes(_: str, __: str) -> str:
    described = _application().openapi()["paths"]
    lines = ["| | Route | What it does |", "| --- | --- | --- |"]
    for path, methods in described.items():
        for method, operation in methods.items():
            says = (operation.get("description") or operation["summary"]).split("\n\n")[0]
            lines.append(f"| {method.upper()} | `{path}` | {_cell(says)} |")
    return "\n".join(lines)


def commands(_: str, __: str) -> str:
    return "\n\n".join(_described(typer.main.get_command(app), "paceline"))


def _described(command: Any, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    children = getattr(command, "commands", {})
    if name != "paceline":
        yield f"{'#' * name.count(' ')}# {name}"
        yield (command.help or "").split("\f")[0].replace("<", "&lt;")
        if rows := [row for row in map(_row, command.get_params(context)) if row]:
            yield "\n".join(["| | |", "| --- | --- |", *rows])
    for child in sorted(children):
        if not children[child].hidden:
            yield from _described(children[child], f"{name} {child}")


def _row(parameter: Any) -> str:
    if getattr(parameter, "hidden", False) or parameter.name == "help":
        return ""
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [str(parameter.metavar or parameter.name.upper())]
    spelt = ", ".join(f"`{one}`" for one in names)
    return f"| {spelt} | {_cell(getattr(parameter, 'help', None) or '')} |"


def decisions(_: str, page: str) -> str:
    titles = [(file, file.read_text().splitlines()[0].removeprefix("# ")) for file in ADRS]
    return "\n".join(f"- [{title}]({file.name})" for file, title in titles)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("{{", "&#123;{")


FILLERS = {
    "section": section,
    "all": whole,
    "preset": preset,
    "routes": routes,
    "commands": commands,
    "decisions": decisions,
}
