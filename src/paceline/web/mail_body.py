"""What an email says as one HTML document, for a sandboxed frame."""

from __future__ import annotations

from html import escape

_TEXT_STYLE = "font: 14px/1.6 ui-monospace, monospace; white-space: pre-wrap; padding: 12px 16px"
_HTML_STYLE = "font: 15px/1.6 Arial, sans-serif; padding: 8px 16px; color: #1d1d24"


def document_of(*, html: str | None, text: str | None) -> str:
    """The HTML part, or else the text with its lines kept. Links open in tabs of their own."""
    if html is not None:
        return f"{_HEAD}<body style='{_HTML_STYLE}'>{html}</body>"
    return text_document(text or "")


def text_document(text: str) -> str:
    """Plain text as a document."""
    return f"{_HEAD}<body style='{_TEXT_STYLE}'>{escape(text)}</body>"


_HEAD = '<!doctype html><meta charset="utf-8"><base target="_blank">'
