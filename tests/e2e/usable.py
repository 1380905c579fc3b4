"""Whether everybody can read and use what a page shows, in two sizes and two themes."""

from __future__ import annotations

from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.clipping import clipped, small_targets

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Each differs from the one before in its size or in its theme.
_LOOKS = ((PHONE, "light"), (WIDE, "light"), (WIDE, "dark"), (PHONE, "dark"))
# Without the options of menus: there are 600 time zones, and the browser draws them. What is in
# order stays in the browser: to bring it here costs four times as much as to find it.
_BARRIERS = """async (rules) => {
    const options = {iframes: false, resultTypes: ["violations"], ...(rules && {runOnly: rules})};
    const found = await axe.run({exclude: [["option"]]}, options);
    return found.violations.map(({id, nodes}) =>
        `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(", ")}`);
}"""
_COLOURS = ["color-contrast", "link-in-text-block"]


def assert_usable(page: Page, axe: str) -> None:
    """axe finds no barrier, all text can be read, and on a phone fingers hit what they aim at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    for size, scheme in _LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # both are schemes
        expect(page.locator("html")).to_have_class("dark" if scheme == "dark" else "")
        page.evaluate("document.fonts.ready")
        found = {"cannot be read": clipped(page)}
        if scheme == "light":
            found["barriers"] = barriers(page)
        elif size == WIDE:  # the themes differ in colours alone
            found["barriers"] = barriers(page, _COLOURS)
        else:
            found["too small"] = small_targets(page)
        found = {what: each for what, each in found.items() if each}
        assert not found, (page.url, size, scheme, found)


def barriers(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds by these rules, or by all, with the elements it is about."""
    return list(page.evaluate(_BARRIERS, rules))
