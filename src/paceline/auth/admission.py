"""Who may be here, and who administers: ADMINS and ALLOWED_DOMAINS, held at every request.

Nothing of it is stored: a name that is taken out of the settings is out as soon as they are read.
"""

from __future__ import annotations

from dataclasses import dataclass

from paceline.auth.refusals import Refusal
from paceline.errors import InvalidInput
from paceline.persistence.stores.identity import UserRecord

LOCAL_ISSUER = "local"
OWNER_SUBJECT = "owner"
# The one domain of addresses that Google itself gives out, to people whom no `hd` claims.
GMAIL = "gmail.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What a provider says of somebody, once it has been checked. The address is verified."""

    issuer: str
    subject: str
    email: str
    name: str
    domain: str | None  # what ALLOWED_DOMAINS is held against
    picture: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The rules. Without any, everybody may in who can get here, which is this machine alone."""

    admins: frozenset[str] = frozenset()
    allowed_domains: frozenset[str] = frozenset()
    only_this_machine: bool = True

    def refusal(self, person: Vouched) -> Refusal | None:
        """Why somebody may not sign in; None: they may."""
        if self.administers(person.email):
            return None
        if self.allowed_domains:
            return None if person.domain in self.allowed_domains else Refusal.DOMAIN
        if self.admins:
            return Refusal.NOT_LISTED
        return None if self.only_this_machine else Refusal.NOBODY_CHOSEN

    def may_own(self, person: Vouched) -> bool:
        """Whether the first to sign in takes the place of the installation's owner.

        Only where nobody else can get to be the first, and never past rules that name somebody.
        """
        open_to_all = not self.admins and not self.allowed_domains
        return self.only_this_machine and (open_to_all or self.administers(person.email))

    def permits(self, user: UserRecord) -> bool:
        """Whether a user whom we know may be here.

        The owner of the installation always may: whoever has its shell could as well change the
        settings. Who was invited may, within ALLOWED_DOMAINS.
        """
        if is_owner(user) or self.administers(user.email):
            return True
        if self.allowed_domains:
            return domain_of(user) in self.allowed_domains
        if user.issuer == LOCAL_ISSUER:
            return True
        return not self.admins and self.only_this_machine

    def refuse_address(self, email: str) -> None:
        """Raise `InvalidInput` where nobody with this address may be here."""
        domain = email.strip().rpartition("@")[2].lower()
        is_within = not self.allowed_domains or domain in self.allowed_domains
        if is_within or self.administers(email.strip()):
            return
        domains = ", ".join(sorted(self.allowed_domains))
        raise InvalidInput.of("email", f"is outside ALLOWED_DOMAINS ({domains}), and not in ADMINS")

    def administers(self, email: str | None) -> bool:
        """Whether ADMINS names this address, which has to be a verified one."""
        return email is not None and email.lower() in self.admins


def vouched_domain(email: str, *, hosted: str | None, is_google: bool) -> str | None:
    """What ALLOWED_DOMAINS is held against. `hosted` is the claim `hd`.

    At Google it says whose member somebody is, and the address does not: anybody may open an
    account there with an address of elsewhere. Other providers have no such claim.
    """
    domain = email.rpartition("@")[2].lower()
    if not is_google or domain == GMAIL:
        return domain
    return (hosted or "").lower() or None


def is_owner(user: UserRecord) -> bool:
    """Whether this is the installation's own administrator."""
    return (user.issuer, user.subject) == (LOCAL_ISSUER, OWNER_SUBJECT)


def domain_of(user: UserRecord) -> str | None:
    """The domain that was vouched for; of people who were invited, their address's."""
    if user.issuer == LOCAL_ISSUER and user.email is not None:
        return user.email.rpartition("@")[2].lower()
    return user.vouched_domain
