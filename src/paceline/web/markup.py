"""Tells a body that was written as HTML from one that was written as plain text."""

from __future__ import annotations

import re

_TAG = re.compile(r"</?[a-zA-Z][^>]*>")


def looks_like_html(text: str) -> bool:
    """Whether there is any tag in it; `a < b` is none."""
    return _TAG.search(text) is not None
