"""What no page must have: inline code, missing icons, links to nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paceline.web import assets
from paceline.web.app import create_web

TEMPLATES = sorted((Path(assets.__file__).parent / "templates").rglob("*.html"))
STYLES = (Path(__file__).resolve().parents[3] / "frontend/app.css").read_text()
# Classes of the library's, or of what it brings along, that a rule of ours may begin with.
FOREIGN = {"dark", "ProseMirror", "g_id_signin", "toast", "btn", "input", "select", "textarea"}
ICON = re.compile(r'(?:(?:icon|empty)\(|notice\("[a-z]+", )"([a-z0-9-]+)"')


@pytest.fixture(scope="module")
def sprite() -> str:
    return (assets.FOLDER / assets.manifest()["icons.svg"]).read_text()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_inline_script_or_style(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "javascript:" not in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_icon_that_a_template_names_is_in_the_sprite(template: Path, sprite: str) -> None:
    missing = {name for name in ICON.findall(template.read_text()) if f'id="{name}"' not in sprite}
    assert not missing


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_link_leads_nowhere(template: Path) -> None:
    assert 'href="#"' not in template.read_text()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_class_of_our_own_that_a_template_names_has_a_rule(template: Path) -> None:
    named = set(re.findall(r"(?<![\w-])pl-[a-z][a-z-]*(?![\w\-])", template.read_text()))
    ruled = set(re.findall(r"\.(pl-[a-z-]+)", STYLES))
    assert not {name for name in named if name not in ruled and not name.endswith("-")}


def test_every_rule_of_our_own_begins_with_our_prefix() -> None:
    begun = set(re.findall(r"^\s*\.([A-Za-z][\w-]*)", STYLES, flags=re.MULTILINE))
    assert not {name for name in begun if not name.startswith("pl-")} - FOREIGN


def test_assets_that_were_never_built_are_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    assets.manifest.cache_clear()
    try:
        with pytest.raises(assets.AssetsMissing, match="npm ci"):
            create_web(None)  # type: ignore[arg-type]  # it stops before it looks at them
    finally:
        assets.manifest.cache_clear()
