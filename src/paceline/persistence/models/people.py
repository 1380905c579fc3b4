"""People and how they prove who they are: users, sessions, sign-in links, API keys."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

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
    notices: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    vouched_domain: Mapped[str | None]  # what ALLOWED_DOMAINS is held against
    avatar_version: Mapped[str | None]  # of the picture in `avatars`
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]  # on a page, to the minute


class ConnectedIdentity(Base):
    """A further way in for a user who was first known by another: theirs, because they said so."""

    __tablename__ = "connected_identities"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[CreatedAt]


class Avatar(Base):
    """A user's picture, as it was fetched from whoever vouches for them."""

    __tablename__ = "avatars"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    url: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes]
    fetched_at: Mapped[CreatedAt]


class SpentNonce(Base):
    """A sign-in that was carried out, so that nobody can play it again. Kept while it could be."""

    __tablename__ = "spent_nonces"

    nonce_hash: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Session(Base):
    """A sign-in. The cookie holds the id; only its SHA-256 is stored."""

    __tablename__ = "sessions"

    id_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    csrf_token: Mapped[str]
    handle: Mapped[uuid.UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    method: Mapped[str] = mapped_column(server_default=text("'link'"))
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class SignInLink(Base):
    """A one-time link. Only the hash of its token is stored; `handle` names an invitation."""

    __tablename__ = "sign_in_links"
    __table_args__ = (Index("ix_sign_in_links_handle", "handle", unique=True),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    handle: Mapped[uuid.UUID | None]


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
