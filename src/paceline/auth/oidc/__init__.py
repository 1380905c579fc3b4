"""Signing in by somebody who vouches: an OpenID Connect provider, Google first of all."""

from paceline.auth.oidc.provider import Provider
from paceline.auth.oidc.signing_in import ProviderSignIn, SignedInBy, Started

__all__ = ["Provider", "ProviderSignIn", "SignedInBy", "Started"]
