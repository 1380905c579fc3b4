"""Finds what may say who wants no mail and is understood by no rule: the uploader is told.

People write "Phone only" under "Preferred contact", "-" under "NL", and tomorrow something else.
What is not understood leaves nobody out, but it is not passed over in silence either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from paceline.domain.printing import printable
from paceline.domain.tables.consent import StatusColumn
from paceline.domain.tables.consent_answers import is_moment
from paceline.domain.tables.consent_titles import Kind, kind_of, title_grams
from paceline.domain.tables.words import comparable, words

_MAX_KINDS = 8  # of values: more are names, places or remarks
_MAX_VALUE = 60  # characters
_MAX_SHOWN = 6
_MAX_TOLD = 3
# Parts of titles about writing to people.
_ABOUT_WRITING = words(
    "contact,mail,consent,permission,newsletter,market,subscri,optin,opt in,opt out,notif,communic,"
    "outreach,campaign,privacy,gdpr,dsgvo,rgpd,lgpd,bounce,deliverab,preference,promo,advert,"
    "werbung,kontakt,rundbrief,einwillig,zustimm,courriel,lettre,infolettre,accord,publicit,correo,"
    "permiso,boletin,boletín,contatt,consens,boletim,contato,toestemming,nieuwsbrief,zgod,"
    "рассыл,контакт,почт,соглас,подпис,листув,розсил,e-posta,iletişim,bülten,メール,配信,連絡,同意,"
    "邮件,邮箱,郵件,联系,聯絡,订阅,訂閱,메일,연락,수신,동의,dmの,dm可否"
)
_SHORT = words("nl,dm,edm,opt,comms,ok to send,ok to write,can we write,may we write,reachable")
# What such a title is about when it also says one of these.
_ABOUT_ELSE = words(
    "owner,city,street,address,country,region,province,zip,postcode,postal code,language,locale,"
    "type,domain,provider,source,id,date,time,name,first name,last name,title,role,count,number,"
    "company,account,budget,seat,text,timestamp,opens,opened,tier,plan,gender,salutation,besitzer,"
    "stadt,land,ort,plz,straße,sprache,anrede,ville,pays,langue,ciudad,país,idioma,città,paese,"
    "cidade,client,program,manager,person,score"
)


def unread_consent(
    titles: Sequence[str],
    body: Sequence[list[str]],
    *,
    address: int,
    statuses: Sequence[StatusColumn],
) -> tuple[str, ...]:
    """Sentences about the columns, by their titles and the first rows."""
    understood = {column.index: column for column in statuses}
    told = []
    for i, title in enumerate(titles):
        if i == address or not _may_say_who(title):
            continue
        kinds = {" ".join(row[i].split()) if i < len(row) else "" for row in body}
        if not _are_few(kinds):
            continue
        if (column := understood.get(i)) is None:
            told.append(
                f"“{_named(title)}” ({_shown(kinds)}) is not read as saying who may be "
                "written to: if it does, name it as the column of who has opted out, or in"
            )
        elif len(taken := {kind for kind in kinds if kind and not column.verdict(kind)}) > 1:
            told.append(
                f"“{_named(title)}”: whoever has one of these there is written to: {_shown(taken)}"
            )
    return tuple(told[:_MAX_TOLD])


def _named(title: str) -> str:
    return printable(" ".join(title.split())[:_MAX_VALUE])


def _shown(kinds: Collection[str]) -> str:
    given = sorted(filter(None, kinds))
    return printable(", ".join(given[:_MAX_SHOWN])) + (", …" if given[_MAX_SHOWN:] else "")


def _may_say_who(title: str) -> bool:
    key, parts = comparable(title), title_grams(title)
    if not key or kind_of(title) is Kind.OTHER_CHANNEL or parts & _ABOUT_ELSE:
        return False
    return any(part in key for part in _ABOUT_WRITING) or bool(parts & _SHORT)


def _are_few(kinds: Collection[str]) -> bool:
    given = [kind for kind in kinds if kind]
    return (
        bool(given)
        and len(kinds) > 1
        and len(given) <= _MAX_KINDS
        and all(len(kind) <= _MAX_VALUE and "@" not in kind and "://" not in kind for kind in given)
        and not all(is_moment(kind) or kind.isdecimal() for kind in given)
    )
