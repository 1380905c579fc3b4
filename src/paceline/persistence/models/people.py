"""People and how they prove who they are: users, sessions, sign-in links, API keys."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from paceline.domain.preferences import Theme
from paceline.domain.scopes import Scope
from paceline.persistence.tables import Base, CreatedAt, Id, one_of


class User(Base):
    """A person, identified by who vouched for them: (issuer, subject), never by the address."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"), one_of("theme", Theme))

    id: Mapped[Id]
    issuer: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    name: Mapped[str]
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    time_zone: Mapped[str | None]  # None: as each browser says
    theme: Mapped[str] = mapped_column(server_default=text("'system'"))
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]


class Session(Base):
    """A sign-in. The cookie holds the id; only its SHA-256 is stored."""

    __tablename__ = "sessions"

    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    csrf_token: Mapped[str]
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A one-time link. Only the hash of its token is stored."""

    __tablename__ = "sign_in_links"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key for the HTTP API. Only its SHA-256 is stored; `prefix` is what people recognise."""

    __tablename__ = "api_keys"
    __table_args__ = (one_of("scope", Scope),)

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True)
    scope: Mapped[str] = mapped_column(server_default=text("'admin'"))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
