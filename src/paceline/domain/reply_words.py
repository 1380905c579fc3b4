"""The words of servers, by family: whose limit it is, what is refused, how long it may last.

Servers say the same few things in a thousand sentences, and half of them in the wrong code. So
these patterns know words and how they stand to one another, never whole sentences. They are read
over `plain(text)`. What follows from them is `outcome`'s table.
"""

from __future__ import annotations

import re
from enum import Enum

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"<[^<>\s@]*@[^<>\s]*>|[\w.+%=-]+@[\w.-]+")
# Names of hosts, which may be called anything. `SendAsDenied.Exception` is none, by its end.
_HOST = re.compile(r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b")
_QUOTED_STATUS = re.compile(r"#?\b[245]\.\d{1,3}\.\d{1,3}\b")


def plain(text: str) -> str:
    """A reply in small letters, without what only looks like words: links, addresses, hosts."""
    text = _LINK.sub(" ", text)
    text = _ADDRESS.sub(" address ", text)
    text = _HOST.sub(" host ", text)
    text = _QUOTED_STATUS.sub(" ", text)
    return " ".join(text.replace("\u2019", "'").replace("_", " ").casefold().split())


def _family(*patterns: str) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


# Up to so many other words, or characters, in between.
_SOME = r"(?:[\w'/.-]+\W+){0,4}?"
_NEAR = r"[^.;]{0,50}?"

_MAILS = r"(?:e-?mails?|mails?|messages?|msgs?|recipients?|rcpts?)"
_CEILING = r"(?:rate|limit\w*|quotas?|credits?|allowance|threshold|cap|maximum|frequency)"
_PASSED = (
    r"(?:exce\w*d\w*|exceeding|reach\w*|hit|used up|exhausted|depleted|over|above|surpassed|"
    r"violat\w+|too (?:high|many|much)|full)"
)
_PERIOD = r"(?:second|minute|hour|day|week|month|24 ?h(?:ours?)?|daily|hourly|monthly|today)"

# --- This connection -----------------------------------------------------------------------------

SESSION_SPENT = _family(
    # "messages per session", "in this session", "max message per connection reached"
    rf"(?:{_MAILS}|transactions?|limit|count)\b{_NEAR}\b(?:per|in|on|over|for|during) "
    r"(?:this |that |a |the |one |each |same |single |every )*(?:smtp |tcp |current )*"
    r"(?:session|connection)\b",
    r"(?:session|connection) (?:message|mail|e-?mail|transaction|recipient) (?:limit|count|quota)",
    r"too many (?:in|on|per|over|during) (?:this |a |the |one |each |single )*(?:session|"
    r"connection)\b",
    r"open a new (?:session|connection)",
    r"(?:try )?reconnect(?:ing)?\b(?: to (?:send|continue))?",
    # Too old, or idle for too long.
    r"(?:allow\w+|maximum|max) (?:smtp )?(?:connection|session) (?:time|duration|length|age)",
    r"(?:session|connection) (?:has )?(?:lasted|been open|open|duration|expired|lifetime|too old|"
    r"too long)",
    r"(?:session|connection|idle|input|client|command|data)\W+(?:has )?time[ds]?[ -]?out",
    r"timeout (?:waiting|exceeded|on|while waiting|reading|for)",
    r"time[d]?[ -]?out\b.{0,20}clos(?:ing|ed)",
    r"idle (?:for )?too long",
    # It has counted too many mistakes, some of which we were told about: unknown recipients.
    r"too many (?:\w+ ){0,3}(?:errors|commands)\b",
    r"too many (?:consecutive |protocol |smtp |bad |invalid )*(?:errors|mistakes)\b",
    r"(?:bad|invalid|unknown|unrecogni[sz]ed) (?:smtp )?commands? (?:limit|count)|error limit",
    # NetEase's tokens: too many mails, recipients, commands or errors on one connection.
    r"\b(?:mi|rp|dt|wm|hl):(?:dmc|drc|ccl|cel|cmc)\b",
)

# --- Too many connections ------------------------------------------------------------------------

CROWDED = _family(
    r"\b(?:concurrent|simultaneous|parallel)\w*\b",
    r"too many (?:\w+ ){0,4}(?:connections?|sessions?)\b",
    r"too many (?:open|active|current) ",
    rf"(?:connection|session)s? (?:\w+ ){{0,3}}(?:limit|count|maximum)\b{_NEAR}{_PASSED}",
    r"(?:maximum|max|limit|number) (?:\w+ ){0,3}(?:of )?(?:\w+ )?(?:connections|sessions)\b",
    r"(?:connections|sessions) (?:\w+ ){0,4}(?:exceed\w*|reached|at once)",
    r"thread limit",
    r"trop de connexions|zu viele verbindungen|demasiadas conexiones|troppe connessioni",
    r"слишком много (?:одновременных )?соединений",
    r"\bhl:icc\b",  # NetEase
)
# Connections that are counted over time are no crowd: fewer at once would not help.
NO_CROWD = _family(rf"\b(?:per|this|each|last|past) {_PERIOD}", r"today|frequen\w+|\brate\b")

# --- The recipient's own limits ------------------------------------------------------------------

_THEY = (
    r"(?:recipients?|rcpt|users?|mailbox|mail box|inbox|addressee|destination|customer|"
    r"account|address|domains?)"
)
THEIR_RATE = _family(
    rf"\b{_THEY}\b{_NEAR}\b(?:is |are |was |has been |currently )?receiv(?:ing|ed) "
    rf"(?:{_MAILS} |mail )?(?:too|at a|more|many)",
    r"receiving (?:mail|messages|e-?mails?) (?:too|at a rate)|(?:frequency|rate) of receiving",
    r"gets? (?:too much|too many|mail at a rate)",
    r"(?:mailbox|inbox|recipient) (?:is )?(?:too )?busy",
    rf"number of {_MAILS} (?:that )?(?:they|it|he|the recipient|the mailbox) (?:can|may) receive",
    # "to this recipient": singular, and one in particular
    rf"(?:{_CEILING}|{_PASSED}|frequen\w+|throttl\w+|{_MAILS}|slow\w*)\b.{{0,60}}\bto "
    r"(?:this|that|the same|same|the|one|a single|your) "
    r"(?:recipient|user|mailbox|destination|recipient domain|destination domain)\b",
    rf"{_MAILS} (?:to|for) address (?:are |is |was |were )?(?:temporarily )?"
    r"(?:deferred|delayed|limited|throttled)",
)
# Theirs as well, unless they name us.
PERHAPS_THEIR_RATE = _family(
    # "the recipient has exceeded", "recipient's hourly limit", "recipients domain hourly quota"
    rf"\b(?:recipient|mailbox|destination|inbox)(?:'?s)? (?:\w+ ){{0,3}}(?:has |have |is |was )"
    rf"(?:\w+ ){{0,2}}(?:{_PASSED}|limited|throttled)\b{_NEAR}(?:rate|{_PERIOD}|{_MAILS})",
    r"\b(?:recipient'?s|mailbox(?:'?s)?|destination(?:'?s)?|inbox) (?:\w+ ){0,2}"
    r"(?:rate|hourly|daily|frequency)\b",
    r"\bdomains? (?:hourly|daily) quota",
    rf"(?:{_CEILING}|{_PASSED}|frequen\w+|throttl\w+|{_MAILS}|slow\w*)\b.{{0,60}}\bfor "
    r"(?:this|that|the same|same|the|one|a single|your) "
    r"(?:recipient|mailbox|destination|recipient domain|destination domain)\b",
)
# Behind a status about an address or a mailbox (X.1.x, X.2.x) these are the mailbox's own.
BUSY = _family(
    rf"\b{_CEILING}\b(?! (?:user|domain))",
    r"too (?:fast|quickly|often|frequently|many|much)\b",
    r"\brecent\b|\bbusy\b|throttl\w+",
    r"(?:try|retry|come|resend|send)\w*\W+(?:your message |it )?(?:again|back|later|in \d+)",
    r"temporar\w+",
)
# … unless they name us.
OURS = (
    r"\b(?:your (?:account|sending|plan|daily|hourly|outgoing|e-?mail|mail|message|domain)|"
    r"you have|"
    r"you've|sender'?s?|sending|send|sent|outgoing|outbound|outbox|submission|relay\w*|tenant|"
    r"customer|"
    r"authenticated|logins?|smtp user)\b"
)
PERIODIC = (
    rf"\b(?:hourly|daily|per {_PERIOD}|{_MAILS} (?:per|this|in)|e-?mail quota|messages? quota)\b"
)

# --- Our quota, our rate -------------------------------------------------------------------------

_OF_OURS = (
    r"(?:sending|sent|outgoing|outbound|outbox|send|sender|relay\w*|submission|delivery|transmit|"
    r"transmission|daily|hourly|monthly|weekly|mail|mailing|message|e-?mail|plan|smtp|tenant|"
    r"recipient|account|connection|connections|usage|free|trial)"
)
LIMITED = _family(
    r"throttl\w+",
    r"rate[ -]?limit\w*|\brate\b (?:\w+ ){0,3}(?:is |was |has been |have )?"
    rf"(?:limited|too high|{_PASSED})",
    rf"{_PASSED} (?:\w+ ){{0,5}}rate\b",
    r"(?:unusual|excessive|high|too high(?: a)?) (?:\w+ ){0,2}(?:rate|volume|activity|traffic)",
    r"unexpected volume|unusual (?:\w+ ){0,2}activity|suspicious(?:ly)? (?:\w+ )?(?:volume|rate)",
    # "daily user sending limit exceeded", "over its outgoing quota"
    rf"\b{_OF_OURS}(?:'s)? {_SOME}{_CEILING}\b{_NEAR}{_PASSED}",
    rf"{_PASSED}\b{_NEAR}\b{_OF_OURS} {_SOME}{_CEILING}\b",
    rf"\b{_CEILING}\b (?:on |of |for ){_NEAR}(?:outgoing|sent|send|sending|"
    rf"{_MAILS})\b{_NEAR}{_PASSED}",
    rf"{_PASSED}\b{_NEAR}\b{_CEILING}\b (?:on |of |for |to ){_NEAR}"
    rf"(?:outgoing|sent|send|sending|{_MAILS})\b",
    rf"\b{_CEILING}\b{_NEAR}\bper {_PERIOD}|\bper {_PERIOD}\b{_NEAR}\b(?:{_CEILING}|{_PASSED})",
    rf"{_PASSED}\b{_NEAR}\bper {_PERIOD}\b",
    rf"\b(?:max|maximum|only|limit\w*|up to) (?:of |is |to )?\d+ (?:\w+ ){{0,3}}(?:per|an?|each|"
    rf"every|/) ?"
    rf"{_PERIOD}",
    rf"\b{_PERIOD}\b {_SOME}(?:limit|quota|credits?|allowance|allotment)\b",
    r"(?:out of|no (?:more )?|insufficient|not enough|maximum) (?:\w+ ){0,2}credits?\b",
    r"credits? (?:\w+ ){0,3}(?:exceeded|exhausted|used|expired|depleted)",
    # "too many emails per second", "too many recipients received this hour", "too many logins"
    rf"too many (?:[\w-]+ ){{0,3}}{_MAILS}(?! (?:in|per) (?:the |this |a )?message)",
    r"too many (?:[\w-]+ ){0,3}(?:requests?|attempts|logins?|log-?ins|authentications?|failures|"
    r"invalid|unknown|submissions|deliveries|sends|connects|messages)\b",
    r"authenticat\w+ (?:too (?:many|often|frequently)|limit)|auth (?:error )?limit",
    r"too (?:fast|quickly|often|frequently|frequent)\b(?: to be)?",
    rf"{_PASSED}\b{_NEAR}\bnumber of (?:\w+ ){{0,2}}{_MAILS}|"
    rf"\bnumber of (?:\w+ ){{0,2}}{_MAILS}\b{_NEAR}{_PASSED}",
    rf"\b(?:tenant|account|sender|domain|customer|client|ip|organi[sz]ation)s? (?:\w+ )?(?:has|"
    rf"have|is) "
    rf"(?:\w+ ){{0,2}}{_PASSED}",
    r"too (?:much|many) (?:e-?)?mails?\b",
    r"(?:frequency|frequently) (?:\w+ )?(?:limit\w*|exceeded|send\w*)|sending frequency",
    rf"more (?:\w+ ){{0,3}}{_MAILS}\b{_NEAR}\bthan\b",
    r"(?:sent|sending|send) (?:\w+ ){0,2}(?:too (?:many|much)|more)\b",
    rf"{_MAILS} (?:\w+ ){{0,4}}short (?:period|time|amount)|in a short (?:period|time)",
    r"slow(?:ing)? (?:it )?down|reduce (?:your|the) (?:\w+ )?(?:rate|volume|speed)",
    r"flood(?:ing|ed)",
    r"(?:upgrade|increase) (?:\w+ ){0,3}(?:plan|limit|quota)|refusequota",
    r"wait (?:some time|a while|an hour|\d+ (?:seconds|minutes|hours)) (?:before|and|until)",
    r"unusual sending",
    rf"(?:\bip\b|client|host|connection|server|sender|\d) {_SOME}temporar\w+ "
    r"(?:blocked|restricted|banned|limited|deferred|blacklisted|denied|rejected)",
    rf"(?:blocked|banned|suspended) (?:\w+ ){{0,2}}for (?:the|a|one|\d+) {_PERIOD}s?\b",
    r"temporar\w+ (?:deferred|rate|throttled)",
    # In other languages.
    r"\b(?:pro|je) (?:stunde|tag|minute|woche|monat)|par (?:heure|jour|minute|mois)|"
    r"por (?:hora|d[ií]a|minuto|mes)|all'ora|al giorno",
    r"limite (?:\w+ ){0,3}(?:d'?envoi|de envio|di invio|atteinte?|excedido|superato|journali)",
    r"(?:zu viele|anzahl der) (?:e-?mails|nachrichten|empf)|versandlimit|sendelimit|"
    r"limit überschritten",
    r"превышен (?:\w+ )*(?:лимит|квот)|слишком (?:много|часто)",
    r"频率|发送(?:数量|频率)?(?:超|限)|超过(?:限制|上限)",
    r"\b(?:mi|rp|dt|wm|hl):(?:sfq|stc|trc|rcl|qrc|ifc|mep|rep|tmc|bli)\b",  # NetEase
)

# --- The server's own trouble --------------------------------------------------------------------

BUSY_SERVER = _family(
    r"(?:insufficient|out of|low on|not enough|lack of|no) (?:\w+ ){0,2}"
    r"(?:resources?|memory|disk(?: space)?|storage|space)\b",
    r"resources? (?:\w+ ){0,2}(?:unavailable|exceeded|exhausted)",
    r"(?:server|system|service|host) (?:is |are )?(?:currently |temporarily |too |very |over)*"
    r"(?:busy|overloaded|loaded|unavailable|shutting down)",
    r"overload\w*|load (?:average|is|too) ?|system load|high load|too busy|heavy load|"
    r"back ?pressure",
    r"temporar\w+ (?:internal )?(?:server|system|service|authentication) (?:error|failure|problem)",
    r"(?:space|storage|disk) (?:shortage|full|exhausted)",
    r"(?:internal|local) (?:server|system|resource)\w* (?:error|\w+ unavailable)",
    r"queue (?:\w+ ){0,3}(?:full|quota|limit)|too many (?:\w+ ){0,2}(?:processes|queued)",
    r"(?:service|system) (?:\w+ )?(?:not available|unavailable|shutting|down)|shutting down",
    r"maintenance",
    r"^qq\b",  # qmail-queue
)

# --- Our name ------------------------------------------------------------------------------------

OUR_NAME = _family(
    r"\b(?:helo|ehlo)\b(?! (?:first|before))(?!.{0,30}\bfirst\b)",
    r"need fully[- ]qualified (?:host ?name|domain name)",
    r"(?:host ?name|host name)\W+(?:is |you \w+ )?(?:invalid|not fully|not valid|unacceptable)",
    r"(?:identif\w+|introduc\w+|greet\w*|claim\w*) (?:yourself|itself|as|to be|with)\b.{0,60}"
    r"(?:invalid|name|host|you are not|not accepted|wrong)",
    r"\bmi:nhd\b",
)

# --- Our account, our From, our host -------------------------------------------------------------

_NOT_ALLOWED = (
    r"(?:not (?:currently )?(?:allowed|permitted|authori[sz]ed|able|valid|enabled|accepted)|"
    r"not have (?:\w+ )?(?:permissions?|rights?|privileges?)|denied|disallowed|prohibited|"
    r"forbidden|unauthori[sz]ed)"
)
OUR_FROM = _family(
    r"send ?as ?denied|send on behalf",
    r"(?:sender|mail ?from|from|return.path)(?: e-?mail)?(?:'s)?(?: address| domain| name|"
    r"/sender name)* "
    rf"(?:is |was |has been |did |does |must |should |: )*(?:rejected|refused|{_NOT_ALLOWED}|"
    rf"invalid|not|"
    r"unknown|unverified|mismatch|blocked|match|be|missing|reject)",
    r"(?:invalid|unknown|unverified|illegal|bad|unauthori[sz]ed|forged) (?:envelope )?"
    r"(?:sender|mail ?from|from)\b",
    r"not owned by|does(?:n't| not) (?:own|match) (?:\w+ ){0,3}(?:user|account|login|"
    r"authenticated)",
    rf"{_NOT_ALLOWED} (?:\w+ ){{0,2}}(?:to )?(?:send|relay|submit|use|perform)",
    rf"{_NOT_ALLOWED} (?:sender|from)\b",
    r"(?:permission|right)s? to send",
    r"(?:address|domain|identity|identities|sender|from)\b.{0,20}\b(?:is |are |has |have )?not "
    r"(?:been )?(?:\w+ )?(?:verified|validated|confirmed|registered)",
    r"must (?:be the same|match|be verified|be from|use) .{0,40}(?:user|account|login|address|"
    r"domain)",
    r"sender (?:identity|verify|verification) (?:failed|error|callback)?|sender verify",
    r"local user only|\bmi:(?:imf|dma|spf)\b",
    r"mail from .{0,20}must be",
    r"sender signature|unconfigured sending|(?:login|sender|user) mismatch",
    r"^verification failed for",
)
# A recipient's own list of whom to refuse is no fault of the account.
NOT_US = (
    r"by (?:this|the|that) (?:recipient|user)|to (?:this|that|the) (?:recipient|user|group|list|"
    r"mailbox)|"
    r"\bgroup\b|\bspam\b|\bvirus\b|\bcontent\b|blocked by user|personal"
)
OF_THEIRS = r"by (?:this|the|that) (?:recipient|user)|blocked by user|personal"
OUR_RIGHTS = _family(
    r"\brelay(?:ing|ed)?\b\W+(?:\w+\W+){0,3}?(?:denied|disallowed|prohibited|rejected|"
    r"not (?:permitted|allowed|authori[sz]ed)|forbidden|refused|restricted)",
    r"(?:unable|not allowed|cannot|can't|refus\w+|not permitted|unauthori[sz]ed|we do not|no|won't|"
    r"does not|not) (?:\w+ )?(?:to )?relay",
    r"rcpthosts|not a gateway|open relay|invalid credentials",
    r"(?:authentication|auth|log-?in|smtp auth\w*) (?:is )?(?:required|needed|necessary|mandatory)",
    r"not (?:authenticated|logged in|logged on)|unauthenticated (?:mail|relay|access|client|user|"
    r"sender)",
    r"(?:must|need to|please|have to|should) (?:first )?(?:authenticate|log ?in|log ?on|"
    r"issue a starttls)",
    r"require\w* (?:smtp )?(?:authentication|authorization)",
)
_STOPPED = (
    r"(?:suspended|disabled|blocked|deactivated|locked|terminated|banned|on hold|under review|"
    r"restricted|frozen|closed|not active|inactive|expired|paused|revoked|compromised)"
)
OUR_ACCOUNT = _family(
    rf"\b(?:sending|outgoing|outbound|submission)\b{_NEAR}\b(?:{_STOPPED}|denied)",
    rf"\b(?:your|this|the sender'?s?|sender'?s?|authenticated|smtp|api|customer) (?:\w+ ){{0,2}}"
    rf"(?:account|domain|user|subscription|plan|service|api key|key)\b.{{0,30}}{_STOPPED}",
    rf"{_STOPPED} (?:\w+ ){{0,2}}(?:from|for) sending",
    rf"\boutbounds? {_STOPPED}|not (?:yet |been )*activated",
    rf"account (?:\w+ ){{0,3}}{_STOPPED}.{{0,30}}(?:sending|outgoing|abuse|billing|payment)",
    r"activate your|(?:test|sandbox) (?:\w+ ){0,2}(?:purposes|only|domain|account)",
    r"hipnotify|verify your account|ask \w+ to unblock|outboundspamexception",
)
OUR_HOST = _family(
    r"reverse (?:dns|lookup|host)|\bptr\b|\brdns\b|cannot find your (?:reverse )?host ?name|"
    r"(?:no|without|invalid|missing) (?:a )?(?:valid )?(?:reverse|sender domain)",
    r"client (?:host|ip|address|server)?\W*(?:\S+\W+){0,3}(?:rejected|blocked|blacklisted|denied|"
    r"banned|"
    r"listed)",
    r"(?:\bip\b|address|network|host|server|client)(?:\W+\S+){0,4}\W+(?:is |was |has been |are |"
    r"been )*"
    r"(?:\w+ ){0,2}(?:blacklisted|blocklisted|block listed|black listed|banned|on (?:our|the|"
    r"a) block|"
    r"listed (?:in|on|at|by)|blocked (?:using|by|due|for|in))",
    r"(?:banned|blocked|blacklisted|listed) (?:sending )?(?:ip|client|host|server)\b",
    r"all messages from \S+ will|connections? (?:\w+ ){0,2}not (?:be )?accepted",
    r"(?:unauthori[sz]ed|disallowed) ip\b",
)

# --- Greylisting, and later ----------------------------------------------------------------------

GREYLISTED = r"gr[ea]y[- ]?list"
LATER = _family(
    r"(?:try|retry|come|resend|send)\w*\W+(?:\w+ ){0,3}(?:again|back|later)\b",
    r"temporar\w+|later\b|in progress|for now|at this time|momentarily",
)
FOR_GOOD = r"permanent\w*|never|will not succeed|do not (?:re)?try"

TOO_LARGE = _family(
    r"(?:message|mail|e-?mail|content|attachment|attachments|header|headers|file|data|"
    r"fixed) (?:\w+ )?size",
    r"size (?:limit|exceed|of (?:your|the) message)|maximum (?:\w+ )?size|too (?:large|big)\b",
    r"\d+ ?(?:bytes|octets|kb|mb)\b",
)
NO_SIZE = r"mailbox|storage|quota|per (?:hour|day)|disk|resources"
# Spam is what a message is called, whatever the sentence says of rates.
ABOUT_CONTENT = (
    r"\b(?:is|as|considered|likely|classified|detected|suspected|suspicion of|flagged|contains?|"
    r"looks like|content|message|url|link) (?:\w+ ){0,2}(?:spam\b|unsolicited|virus\w*|malware|"
    r"phish\w*)"
)
SENDER_VERIFY = r"sender verif|verification failed for|sender address"
# What forbids to call a mailbox dead, whatever else is said of it.
NOT_DEAD = _family(
    LATER,
    SENDER_VERIFY,
    r"\bsender\b|\bfrom\b|\bpolicy\b|\bspam\b|\bquota\b|\brate\b|\bfull\b",
    r"verif\w+ (?:in|error)|lookup|look-up|timed? ?out|\bdns\b",
)

# --- The mailbox ---------------------------------------------------------------------------------

MAILBOX_FULL = _family(
    r"over ?-?quota|quota (?:limit )?(?:\w+ ){0,2}(?:exce\w*d\w*|violation|full|reached)",
    r"exceed\w* (?:\w+ ){0,3}(?:quota|storage|mailbox size|disk)",
    r"(?:mailbox|inbox|mail box|mail ?drop|account|user) (?:\w+ ){0,3}(?:is )?full\b",
    r"(?:mailbox|inbox|user|recipient)\b.{0,40}(?:out of|insufficient|not enough|no) "
    r"(?:\w+ ){0,2}(?:space|storage|room)",
    r"(?:insufficient|not enough) (?:\w+ )?(?:mailbox|user|recipient) (?:storage|space)",
    r"\b(?:pleine|plein|voll|llena|lleno|piena|cheia|переполнен\w*)\b|speicherplatz",
)
_WHO = (
    r"(?:user|recipient|mailbox|mail box|account|address|addressee|customer|person|alias|"
    r"subscriber|"
    r"member|e-?mail|inbox|destinataire|empf\w+|utilisateur|usuario|rcpt)"
)
NO_MAILBOX = _family(
    r"(?:no such|unknown|invalid|non-?exist\w*|unrout?e?able|undeliverable|unallocated|bad|"
    r"nonexistant|"
    r"no valid|not a valid|not a known|unrecogni[sz]ed) (?:\w+ ){0,2}?-?"
    rf"{_WHO}s?\b",
    r"invalid-recipient|recipientnotfound|user ?unknown|no-domain",
    rf"\b{_WHO}(?:'s)?\W+(?:\S+ ){{0,4}}?(?:is |was |were |are |has been |have been |\W+)*"
    r"(?:unknown|not found|not known|no longer (?:valid|exists?|active|available|in use|here|"
    r"works?|"
    r"accept\w*)|invalid|inexist\w*|nonexist\w*|unallocated|does ?n[o']?t? ?(?:exist|have)|"
    r"do(?:es)? not (?:exist|have)|not exist|not (?:a )?valid|not (?:listed|registered|"
    r"recogni[sz]ed)|"
    r"could not be found|cannot be found|deleted|discontinued|unroutable|undeliverable)",
    r"(?:doesn't|does not|don't|do not) (?:exist|have (?:an?|any) (?:\w+ )?(?:account|mailbox))",
    r"no (?:mailbox|user|account|recipient|such person|one) (?:\w+ ){0,2}(?:here|by that|with that|"
    r"of that|at this|called)",
    r"no such (?:\w+ )?(?:here|person|name)|not our customer|no account by|not in recipient list",
    r"no mailbox here|(?:could not|cannot|can't|unable to) (?:\w+ )?(?:find|verify) (?:\w+ ){0,2}"
    r"(?:recipient|mailbox|user|address)",
    r"inconnu\w*|n'existe pas|unbekannt|no existe|desconocid\w+|sconosciut\w+|inesistente|"
    r"не существует|"
    r"не найден|destinataire invalide|destinatario no|不存在",
)
MAILBOX_CLOSED = _family(
    r"(?:mailbox|mail box|recipient|addressee|address|user|account|inbox|e-?mail)\b.{0,40}?"
    r"\b(?:disabled|inactive|deactivated|deleted|terminated|discontinued|closed|not active|"
    r"no longer active|expired|(?:blocked|disabled|suspended) due to inactivity)\b",
    r"inactive (?:mailbox|user|account|recipient)|disabled (?:mailbox|user|account|recipient)",
)

# --- How long it may last ------------------------------------------------------------------------


class Span(Enum):
    """How long the limit that a server speaks of lasts."""

    MOMENT = "moment"  # by the second or the minute
    HOUR = "hour"
    DAY = "day"
    UNSAID = "unsaid"


_SPANS = (
    (Span.MOMENT, re.compile(r"per (?:second|minute)|messages/s|/sec|/min\b|login|authenticat")),
    (Span.HOUR, re.compile(r"hour(?!s)|\b60 ?min|\bstunde|\bheure\b|60 minutes")),
    (
        Span.DAY,
        re.compile(r"\bda(?:y|ily)\b|24 ?h|\bday'?s\b|month|week|\btag|\bjour|credits?\b|today"),
    ),
)


def span_of(text: str) -> Span:
    """For how long a limit may hold, by the words about it."""
    words = plain(text)
    return next((span for span, said in _SPANS if said.search(words)), Span.UNSAID)
