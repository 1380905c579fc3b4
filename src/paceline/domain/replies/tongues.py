"""The same in other languages, accents or none: a quota that is ours, a sender refused, a log-in.

A quota needs no sentence: a ceiling and a period beside each other are one in every language, and
so are a ceiling and a word of sending. They are read over `plain(text)`, which takes the accents
from Latin letters; "ue" for "ü", and Russian in Latin letters, have to be known here.
"""

from __future__ import annotations

from paceline.domain.replies.words import family

_GAP = "[^;]{0,60}?"


def beside(one: str, other: str) -> str:
    """Both, near each other, whichever comes first."""
    return rf"(?:{one}){_GAP}(?:{other})|(?:{other}){_GAP}(?:{one})"


_PERIOD = family(
    r"\b(?:seconds?|minutes?|hours?|hour's|days?|day's|weeks?|months?|daily|hourly|weekly|monthly|"
    r"today(?:'s)?|midnight|tomorrow|billing (?:period|cycle))\b|\b\d+ ?(?:s|secs?|mins?|hrs?|h)\b",
    r"stunde|stue?ndlich|minute|woche\b|wochen|monat|\btag(?:e|es|en)?\b|tages|tae?glich|\bheute\b",
    r"\bheures?\b|horaire|\bjours?\b|journali|quotidien|hebdomadaire|mensuel|aujourd'hui|semaine",
    r"\bhoras?\b|horari[oa]|\bdias?\b|diari[oa]|\bhoy\b|\bhoje\b|semana|mensual|mensal|\bmes\b",
    r"\bor[ae]\b|all'ora|orari[oa]|\bgiorn|\boggi\b|settiman|mensil",
    r"\buur|\buren\b|\bdag|vandaag|week|maand",
    r"godzin|\bdzien|\bdni[ua]\b|\bdzis|\bdob[aey]|dobow|tydzien|tygod|miesi[ae]c",
    r"\bчас(?:а|ов|овой|ы)?\b|\bдень\b|\bдня\b|дневн|сутки|суток|суточн|сегодня|недел|месяц|минут",
    r"\bchas(?:a|ov|ovoi|ovoy)?\b|\bden'|\bdnya\b|dnevn|sutki|sutok|sutochn|segodnya|nedel|mesyats",
    r"hodin|\bdenn[iy]|\bza den\b|\bna den\b|\bdnes",  # Czech, Slovak
    r"\btimm|\bdygn|\btime(?:n|s)?grans|\bidag\b|\bi dag\b",  # Swedish, Danish, Norwegian
    r"\bsaat|\bgunluk|\bgunde\b|\bbugun|\baylik",  # Turkish
    r"\bzilnic|\bpe zi\b|\bpe ora\b|\bastazi|\btunnissa|\bpaiva",  # Romanian, Finnish
    r"毎時|毎日|本日|時間|每小時|每小时|每天|每日|今天|今日|시간|하루|일일",
)
_CEILING = family(
    r"limi(?:t|et)|kontingent|quot[ae]|cuota|\bcotas?\b|kvot|plafond|\btope\b|grenze|grans",
    r"maxim|massim|maksim|hoe?chst|\bmax\b|\bcap\b|budget|credits?\b|\bkredit|allowance|allotment|"
    r"threshold|ceiling|capacity|ration\b|predel|pensum|\bseuil|soglia|umbral|limiar|drempel",
    r"лимит|квот|максим|предел|ogranicz|上限|制限|限制|限額|限额|配額|配额|한도|횟수|the most\b",
)
_AMOUNT = family(
    r"quantit|\bvolume\b|anzahl|\bnombre (?:de|d'|total|max)|\bnume?ro (?:de|di|max|mass|total)|"
    r"aantal|liczb|\bpocet|количеств|kolichestv",
)
_MAILS = (
    r"(?:(?:e-)?mails?\b|messages?\b|courriels?|correos?|mensa(?:jes|gens)|messaggi|berichten|nachrichten|"
    r"wiadomosc|listow|zprav|пис[еь]м|сообщени|pisem|soobshch|meddelanden|mejl|e-?post\w*|mesaje)"
)
_SENDING = family(
    r"\bsending\b|\boutgoing\b|\boutbound\b|\bsubmission|\bsent\b|\brelays?\b",
    r"\benvo(?:i|is|ye|yes|yer)\b|\benvio|\benvia|\binvi[oi]\b|\binviat|\binviare",
    r"versand|versend|\bsende[nr]?\b|sendelimit|sendekont|sendequ|gesendet|verzend|verzond|verstu",
    r"wysyl|wyslan|отправ|рассыл|otprav|rassyl|odesil|odesl|skicka|utskick|gonder|trimit",
    r"送信|发送|發送|发信|發信|寄信|寄件|发件|發件|발송",
)
_OFTEN = (
    r"(?:freque[nz]|frecuen|hau?efig|haufig|czest|част(?:о|ая|ый|ые|ота|оту)|chast(?:o|aya|ota)|"
    r"頻率|频率|頻繁|频繁|頻度)"
)
# Counted, passed: of languages that leave no blanks.
_PASSED_THERE = r"(?:超|過多|过多|過高|过高|上限|已达|已達|制限|초과|제한|한도|너무 많)"
_DONE = family(
    r"exceed|reached|\bused\b|\bspent\b|\bhit\b|exhaust|deplet|consum|drained|\bgone\b|run out|"
    r"ran out|\bover\b|surpass",
    r"ue?berschritten|erreicht|erschoe?pft|ausgeschoe?pft|aufgebraucht|verbraucht|depass|attein|"
    r"epuis|super|excedi|alcanz|agota|esauri|raggiunt|atingi|esgotad|ultrapass|bereikt|"
    r"overschreden|przekrocz|wyczerp|osiagn|превыш|исчерп|достиг|использ|prevys|ischerp|dostig|"
    r"ispolz|vycerp|prekroc|nadd\b|overskrid|asild|doldu|depasi",
)
_TOO_MANY = (
    r"\b(?:trop d(?:e |')|demasiad[oa]s |tropp[ie] |muit[oa]s |te veel |zu viele |zbyt wiele |"
    r"zbyt duzo |za duzo |слишком много |slishkom mnogo |prilis mnoho |for mang[ae] |cok fazla |"
    r"prea multe )"
)

# "50 per hour", "200 a day", "100 pro Stunde"
_SO_MANY_A = (
    r"\b\d+ (?:\w+ ){0,2}(?:(?:per|an?|each|every|pro|je|par|por|al|all'|na|za|v|в) ?|/ ?)"
    rf"(?:{_PERIOD})"
)
_NONE_LEFT = (
    r"\b(?:no|0|zero|none of (?:your|the)) (?:more )?(?:\w+ ){0,2}(?:relays?|credits?|e-?mails?|"
    r"mails?|messages?|sends|sendings?|submissions?|deliveries) (?:\w+ ){0,2}(?:left|remain\w*)\b"
)
_USED_UP = (
    r"(?:exhaust|deplet|erschoe?pft|ausgeschoe?pft|aufgebraucht|epuis|esauri|agota|wyczerp|исчерп)"
)
# "No more mail today", "mehr als 200 täglich"
_NO_MORE = (
    r"(?:\bno (?:more|further)\b|done for|keine weiteren|nicht mehr|\bmehr als|\bplus d|"
    r"(?:pouvez|peut|peux) plus|\bya no\b|\bmas de|\bno (?:\w+ ){0,2}mas\b|"
    r"\bnon (?:\w+ ){0,2}piu\b|\bpiu di|\bnao (?:\w+ ){0,2}mais\b|\bmais de|\bniets? meer|"
    r"\bgeen (?:\w+ )?meer|meer dan|wiecej|больше не|более|bolshe ne)"
)
# Compounds say it in one word: "Stundenlimit", "Uurlimiet".
QUOTA = family(
    beside(_PERIOD, _CEILING),
    beside(_SENDING, _CEILING),
    beside(_SENDING, _OFTEN),
    beside(_SENDING, _PASSED_THERE),
    rf"(?:{_PERIOD})\w*(?:{_CEILING})|(?:versand|sende|verzend)\w*(?:{_CEILING})",
    rf"(?:{_AMOUNT}){_GAP}(?:{_DONE})|(?:{_DONE}){_GAP}(?:{_AMOUNT})",
    rf"{_TOO_MANY}(?:\w+ ){{0,2}}{_MAILS}",
    rf"{_SO_MANY_A}|{_NONE_LEFT}",
    beside(_NO_MORE, _PERIOD),
    beside(rf"{_SENDING}|{_PERIOD}", _USED_UP),
    rf"\b\d+ (?:e-?)?{_MAILS}{_GAP}(?:{_PERIOD})",
    rf"(?:{_CEILING})\w* (?:\w+ ){{0,2}}(?:pisem|писем|listow|wiadomosci|courriels|correos)",
    rf"\blast (?:e-?mail|mail|message|one) (?:for|of) (?:the |this )?(?:{_PERIOD})",
)

_THEIRS = (
    r"\b(?:mailbox|mail box|inbox|postfach|posteingang|boite|buzon|casella|caixa|bandeja|postvak|"
    r"skrzynk|ящик|yashchik|schrank|recipient'?s?\b|rcpt|empfae?nger|destinataire\b|destinatario\b|"
    r"ontvanger\b|odbiorc[ay]\b|получател[ья]|poluchatel|receiv|recepcion|reception\b|ricezione|"
    r"incoming|connections?\b|storage|disk|speicher|spazio|espace|espacio|almacenamiento|size\b|bytes|octets|"
    r"groe?sse|taille|tamano|verbindung|connexion|conexion|header|spam\b)|speicher"
)
_OURS = (
    r"\b(?:you (?:have|may|can|are|must|get|only)|you've|your|sie haben|ihr|ihre|ihres|vous avez|"
    r"votre|ha (?:superado|alcanzado|excedido)|su cuenta|hai|il tuo|u heeft|uw|je hebt|voce|sua|"
    r"вы|ваш\w*|vy|vash\w*)\b"
)
# The recipient's own limit, a full mailbox, a message too large: unless it speaks of sending.
NOT_OUR_QUOTA = rf"^(?!.*(?:{_SENDING}|{_OURS})).*(?:{_THEIRS})"

# --- A From address, and a log-in ----------------------------------------------------------------

_SENDER = (
    r"(?:absender|expedit|adresse d'envoi|remitente|remetente|mittente|\bafzender|nadawc|"
    r"отправител|otpravitel|odesilatel|avsandar|\bafsender)"
)
_REFUSED = family(
    r"nicht (?:\w+ )?(?:erlaubt|zugelassen|berechtigt|gue?ltig|verifiziert|bestae?tigt|gestattet)|"
    r"ungue?ltig|abgelehnt|zurue?ckgewiesen|gehoe?rt|unzulae?ssig|verweigert",
    r"stimmt nicht|ne correspond|no coincid|non corrispond|nao corresponde|niet overeen|nie zgadza|"
    r"n'appartient|(?:non|pas) (?:\w+ )?(?:autoris|permis|valid|verifi)|refus|rejet|interdit",
    r"\bno (?:\w+ )?(?:permitid|autorizad|pertenece|verificad|valid)|rechazad|denegad",
    r"\bnon (?:\w+ )?(?:autorizzat|consentit|valid|verificat|appartiene|permess)|rifiutat",
    r"\bnao (?:\w+ )?(?:autorizad|permitid|pertence|verificad)|rejeitad|recusad",
    r"\bniet (?:\w+ )?(?:toegestaan|geautoriseerd|geldig|bevoegd|geverifieerd)|geweigerd|ongeldig",
    r"\bnie (?:\w+ )?(?:dozwol|upraw|nalez|zweryf|autoryz)|odrzucon|niedozwol|zabronion",
    r"не (?:\w+ )?(?:разреш|принадлеж|подтверж)|отклон|отверг|запрещ|"
    r"\bne (?:\w+ )?(?:razresh|prinadlezh|podtverzh)|otklon|zapresh",
)
_UNKNOWN = r"(?:unbekannt|inconnu|descono|desconh|sconosc|onbekend|nieznan|неизвест|neizvest)"
OUR_FROM = family(beside(_SENDER, _REFUSED), rf"{_SENDER}\w* (?:\w+ ){{0,2}}{_UNKNOWN}")
NOT_OUR_FROM = (
    r"(?:vom|beim) empf|par (?:le|son) destinataire|por el destinatario|pelo destinatario|"
    r"dal destinatario|door de ontvanger|przez odbiorc|получателем|\bspam|personal"
)
_LOG_IN = (
    r"(?:authentifi|anmeldung|autenti[cf]|autentificacion|authenticat|uwierzytelni|"
    r"аутентифик|авториз|autentifik|avtoriz|overeni|inloggen)"
)
_NEEDED = (
    r"(?:erforderlich|notwendig|noe?tig|benoe?tigt|verlangt|obligatori|requis|requer|exig|"
    r"necess?ari|richiest|vereist|verplicht|nodig|wymagan|требу|необходим|trebu|neobhodim|"
    r"neobkhodim|vyzadov|mue?ssen|\bdevez|\bdeb[ei]|\bdeve\b|\bmoet|\bmusi|долж|нужно)"
)
LOG_IN_NEEDED = beside(_LOG_IN, _NEEDED)
