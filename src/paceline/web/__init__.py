"""The dashboard: server-rendered pages, refreshed by htmx. `create_web` makes the application."""

from paceline.web.app import create_web
from paceline.web.caught_mail import CaughtMail
from paceline.web.parts import InboxAddress, Parts

__all__ = ["CaughtMail", "InboxAddress", "Parts", "create_web"]
