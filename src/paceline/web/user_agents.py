"""What a browser says it is, in the two words by which its owner knows it."""

from __future__ import annotations

# In this order: each calls itself the later ones, too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def described(user_agent: str | None) -> str:
    """Such as "Firefox on Linux"."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in text), "Unknown browser")
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    return browser if system is None else f"{browser} on {system}"


def is_handheld(user_agent: str | None) -> bool:
    """Whether to draw a phone beside it."""
    return any(mark in (user_agent or "") for mark in ("iPhone", "Android", "iPad"))
