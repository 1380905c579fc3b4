"""The way out: accounts, templates, messages and the SMTP conversation. The public door."""

from paceline.delivery.account import Account, Auth, Envelope, Grant, Security
from paceline.delivery.addresses import wire_address
from paceline.delivery.attachments import Attached, Attachment, encoded_octets
from paceline.delivery.dkim import DkimSigner
from paceline.delivery.dkim_key import DkimAlgorithm, DkimKey, DnsRecord
from paceline.delivery.dns import DnsUnavailable, Resolver
from paceline.delivery.headers import RenderError
from paceline.delivery.hosts import may_be_private, refuse_destination
from paceline.delivery.inline_images import InlineImages
from paceline.delivery.link_values import is_script
from paceline.delivery.markup import is_text_after_all, looks_like_html
from paceline.delivery.media_types import image_type, media_type, media_type_of
from paceline.delivery.mime import Headers, message
from paceline.delivery.plain_text import has_words, plain_text, text_of_source, text_part
from paceline.delivery.pool import Pool
from paceline.delivery.remarks import missing_images, remarks
from paceline.delivery.results import CheckResult, Kind, Phase, Reply, Result, Scope
from paceline.delivery.session import Guard
from paceline.delivery.templates import LONG_HTML, NO_BODY, MessageTemplate
from paceline.delivery.timeouts import Timeouts

__all__ = [
    "LONG_HTML",
    "NO_BODY",
    "Account",
    "Attached",
    "Attachment",
    "Auth",
    "CheckResult",
    "DkimAlgorithm",
    "DkimKey",
    "DkimSigner",
    "DnsRecord",
    "DnsUnavailable",
    "Envelope",
    "Grant",
    "Guard",
    "Headers",
    "InlineImages",
    "Kind",
    "MessageTemplate",
    "Phase",
    "Pool",
    "RenderError",
    "Reply",
    "Resolver",
    "Result",
    "Scope",
    "Security",
    "Timeouts",
    "encoded_octets",
    "has_words",
    "image_type",
    "is_script",
    "is_text_after_all",
    "looks_like_html",
    "may_be_private",
    "media_type",
    "media_type_of",
    "message",
    "missing_images",
    "plain_text",
    "refuse_destination",
    "remarks",
    "text_of_source",
    "text_part",
    "wire_address",
]
