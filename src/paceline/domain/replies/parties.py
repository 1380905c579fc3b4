"""Words of who is refused: our name, our From address, our account and host, or their mailbox."""

from __future__ import annotations

from paceline.domain.replies import words
from paceline.domain.replies.words import NEAR, family

# --- Our name ------------------------------------------------------------------------------------

OUR_NAME = family(
    # In brackets it only names the step: "Try again later, closing connection. (EHLO)", Gmail.
    r"\b(?:helo|ehlo)(?:host)?\b(?!\)| (?:first|before))(?!.{0,30}\bfirst\b)",
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
OUR_FROM = family(
    r"send ?as ?denied|send on behalf",
    r"(?:sender|mail ?from|from|return.path)(?: e-?mail)?(?:'s)?(?: address| domain| name|"
    r"/sender name)* "
    rf"(?:is |was |has been |did |does |must |should |: )*(?:rejected|refused|{_NOT_ALLOWED}|"
    rf"invalid|not|"
    r"unknown|unverified|mismatch|blocked|match|be|missing|reject)",
    r"(?:invalid|unknown|unverified|illegal|bad|unauthori[sz]ed|forged) (?:envelope )?"
    r"(?:sender|mail ?from|from|return (?:path|address))\b",
    r"not owned by|does(?:n't| not) (?:own|match) (?:\w+ ){0,3}(?:user|account|login|"
    r"authenticated)",
    rf"{_NOT_ALLOWED} (?:\w+ ){{0,2}}(?:to )?(?:send|relay|submit|use|perform)",
    rf"{_NOT_ALLOWED} (?:sender|from)\b",
    r"(?:permission|right)s? to send",
    r"(?:address|domain|identity|identities|sender|from)\b.{0,20}\b(?:is |are |has |have )?not "
    r"(?:been )?(?:\w+ )?(?:verified|validated|confirmed|registered|approved)",
    r"must (?:be the same|match|be verified|be from|use) .{0,40}(?:user|account|login|address|"
    r"domain)",
    r"sender (?:identity|verify|verification) (?:failed|error|callback)?|sender verify",
    r"local user only|\bmi:(?:imf|dma|spf)\b",
    r"mail from .{0,20}must be",
    r"sender signature|unconfigured sending|(?:login|sender|user) mismatch",
    r"^verification failed for|\bdt:sum\b",
    r"\bfrom (?:header|field|line)(?: address)? (?:is |was |does |must |may )?(?:not\b|rejected|"
    r"refused)",
)
# A recipient's own list of whom to refuse is no fault of the account.
NOT_US = (
    r"(?:by|of) (?:this|the|that) (?:recipient|user)|to (?:this|that|the) (?:recipient|user|"
    r"group|list|"
    r"mailbox)|"
    r"\bgroup\b|\bspam\b|\bvirus\b|\bcontent\b|blocked by (?:user|recipient|addressee)|personal|"
    r"\bthis person\b|transport\.rules|"
    r"(?:blocked|rejected|refused|denied) by (?:address\b|(?:the )?(?:recipient|user|addressee)\b)|"
    r"\b(?:user|recipient|addressee)'?s'? (?:own |personal )?(?:black|block|deny|reject)"
)
OF_THEIRS = (
    r"by (?:this|the|that) (?:recipient|user)|blocked by user|personal|"
    r"^\W*(?:address\W+)?user (?:account )?(?:is )?not (?:yet )?activated"
)
OUR_RIGHTS = family(
    r"\brelay(?:ing|ed)?\b\W+(?:\w+\W+){0,3}?(?:denied|disallowed|prohibited|rejected|"
    r"not (?:permitted|allowed|authori[sz]ed)|forbidden|refused|restricted)",
    r"(?:unable|not allowed|cannot|can't|refus\w+|not permitted|unauthori[sz]ed|we do not|no|won't|"
    r"does not|not) (?:\w+ )?(?:to )?relay",
    r"(?:don't|do not|does not) handle mail",
    r"rcpthosts|not a gateway|open relay|invalid credentials",
    r"\bauth(?:enticat\w+)? first\b",
    r"(?:authentication|auth|log-?in|smtp auth\w*) (?:is )?(?:required|needed|necessary|mandatory)",
    r"not (?:authenticated|logged in|logged on)|unauthenticated (?:mail|relay|access|client|user|"
    r"sender)",
    r"(?:must|need to|please|have to|should) (?:first )?(?:authenticate|log ?in|log ?on|"
    r"issue a starttls)",
    r"require\w* (?:smtp )?(?:authentication|authorization)",
)
_STOPPED = (
    r"(?:suspended|disabled|blocked|deactivated|locked|terminated|banned|on hold|under review|"
    r"restricted|frozen|closed|not active|inactive|expired|paused|revoked|compromised|"
    r"switched off|turned off)"
)
OUR_ACCOUNT = family(
    rf"\b(?:smtp|mail|sending) (?:service|access)\b.{{0,30}}\b{_STOPPED}",
    rf"\b(?:sending|outgoing|outbound|submission)\b{NEAR}\b(?:{_STOPPED}|denied)",
    rf"\b(?:your|the sender'?s?|sender'?s?|authenticated|smtp|api|customer) (?:\w+ ){{0,2}}"
    rf"(?:account|domain|user|subscription|plan|service|api key|key)\b.{{0,30}}{_STOPPED}",
    rf"{_STOPPED} (?:\w+ ){{0,2}}(?:from|for) sending",
    r"\b(?:outgoing|outbound) (?:\w+ ){0,2}(?:refused|rejected)",
    r"\byour access\b.{0,60}\b(?:denied|rejected|refused|revoked|blocked)",
    rf"^account (?:is |has been )?{_STOPPED}\W+(?:please )?contact (?:us|our|support|billing)",
    r"\byour (?:\w+ )?(?:account|plan) can only send",
    r"\byour (?:\w+ ){0,3}(?:plan|account|subscription|licen[cs]e|package|tariff|tier) "
    r"(?:does not|doesn't|do not|cannot|can't|may not|must not) (?:\w+ )?(?:allow|permit|include|"
    r"support|send|cover|relay)",
    r"\b(?:your|this) (?:\w+ )?(?:plan|trial|subscription|tariff|tier) (?:is |has )?"
    r"(?:limited to|restricted to|ended|over\b|run out)",
    rf"\boutbounds? {_STOPPED}|not (?:yet |been )*activated",
    rf"account (?:\w+ ){{0,3}}{_STOPPED}.{{0,30}}(?:sending|outgoing|abuse|billing|payment)",
    r"activate your|(?:test|sandbox) (?:\w+ ){0,2}(?:purposes|only|domain|account)",
    r"hipnotify|verify your account|ask \w+ to unblock|outbound spam exception",
)
# What is published about our domain does not match what we send.
OUR_DOMAIN = family(
    r"\b(?:spf|dkim|dmarc)\b.{0,60}(?:fail|violat|reject|invalid|missing|not\b|no\b|polic|"
    r"verif|check|align|mismatch|p=)",
    r"(?:fail|violat|reject|invalid|missing|\bnot\b|\bno\b|does(?:n't| not)|due to|because of)"
    r".{0,60}\b(?:spf|dkim|dmarc)\b",
    r"sender policy framework|sending domain .{0,40}(?:authenticat|does(?:n't| not) (?:meet|pass))",
)
# A group or a person that takes mail from some people only: of no other recipient's concern.
TAKES_FROM_FEW = family(
    r"resolver\.rst\.|restricted ?to ?recipients|delivery restriction",
    r"\b(?:recipient|group|list|mailbox|user|addressee|person|alias|address)\b.{0,30}?"
    r"\b(?:accept\w*|takes?|receives?|allows?) (?:\w+ ){0,4}from (?!authenticated (?:users|"
    r"senders|clients))",
    r"\baccepts? (?:\w+ ){0,2}for (?:this|that) (?:address|mailbox|recipient|user) (?:only )?"
    r"(?:through|via|from)\b",
    r"(?:recipient|user|addressee)'?s? preferences",
    r"from strangers|not (?:in|on|among) (?:\w+ |\w+'s ){0,3}(?:contacts?|address ?book|friends|"
    r"(?:allow(?:ed)?|white|safe|contact)[ -]?(?:list|senders?))",
    r"(?:allowed|permitted|authori[sz]ed|may|can|able) (?:to )?(?:post|write) to",
    r"(?:allowed|permitted|authori[sz]ed|able|permissions?|rights?) to (?:send|mail|deliver|submit)"
    r"(?: (?:e-?)?(?:mails?|messages?))? to (?:address\b|(?:this|that|the) "
    r"(?!(?:\w+ )?(?:server|host|system|relay|network|gateway|internet)\b))",
    r"(?:recipient|user|person)(?:'s)? (?:settings|has restricted|restricts)|"
    r"(?:restricted|limited|closed) to its (?:members|moderators|owners)",
    r"members only|only members|from its members",
    r"(?:isn't|not) a (?:group member|member of (?:the|this) (?:group|list))",
)
_HOSTS = r"\b(?:ip|mta|host|server|client|network)(?: address)?\b"
# What the server wants of every connection before it takes an email.
ENCRYPTION_NEEDED = family(
    r"\b(?:encryption|encrypted connections?|starttls|tls|ssl) (?:is |are |must be )?(?:\w+ )?"
    r"(?:required|needed|mandatory)",
    r"\b(?:requires?|wants?|needs?|use|issue) (?:\w+ )?(?:encryption|starttls|tls)\b",
)
OUR_HOST = family(
    r"\b(?:in|on|by) (?:\w+ ){0,3}(?:black ?list|block ?list|dnsbl|rbl|deny ?list)",
    r"dynamic[- ](?:ip|address)|dial-?up|(?:host|network|client|ip) (?:\w+ )?not allowed",
    r"reverse (?:dns|lookup|host)|\bptr\b|\br ?dns\b|cannot find your (?:reverse )?host ?name|"
    r"(?:no|without|invalid|missing) (?:a )?(?:valid )?(?:reverse|sender domain)",
    r"client (?:host|ip|address|server)?\W*(?:\S+ ){0,3}(?:rejected|blocked|blacklisted|denied|"
    r"banned|"
    r"listed)",
    r"(?:\bip\b|network|host|server|client)(?:\W\S*)?(?: \S+){0,3}\W+(?:is |was |has been |are |"
    r"been )*"
    r"(?:\w+ ){0,2}(?:blacklisted|blocklisted|block listed|black listed|banned|on (?:our|the|"
    r"a) block|"
    r"listed (?:in|on|at|by)|blocked (?:using|by|due|for|in))",
    r"(?:banned|blocked|blacklisted|listed) (?:sending )?(?:ip|client|host|server)\b",
    r"all messages from \S+ will|connections? (?:\w+ ){0,2}not (?:be )?accepted",
    r"(?:unauthori[sz]ed|disallowed) ip\b",
    r"\b(?:dnsbl|rbl)\b.{0,40}\bblocked",
    r"^blocked\W+see\b",  # a link that names our address
    r"\bhl:(?:ihu|ipb)\b|\bdt:rbl\b",  # NetEase
    r"\blisted (?:at|in|on|by) host|\bby spamhaus\b",
    rf"{_HOSTS}(?:'s)? (?:\w+ ){{0,3}}reputation|reputation of (?:\w+ ){{0,2}}{_HOSTS}",
)
# Whatever else is refused of us: the last resort, where nothing speaks of a recipient.
OUR_SIDE = (
    r"\byour (?:\w+ )?(?:account|ip|server|subscription|plan|credentials|organi[sz]ation|service|"
    r"credits?|"
    r"licen[cs]e|trial|api key|host|client|address|network|mail ?server)\b(?! provider)|"
    r"\b(?:sender|sending|mail ?from|from address|ip|mta|isp|relay\w*|auth|authentication|"
    r"log-?in)\b"
)
NOT_OUR_SIDE = (
    r"recipient|mailbox|\brcpt\b|\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|reputation|complaints|"
    r"contact your|provider|policy|header|attachment"
)

# --- The mailbox ---------------------------------------------------------------------------------

MAILBOX_FULL = family(
    r"over ?-?quota|quota (?:limit )?(?:\w+ ){0,2}(?:exce\w*d\w*|violation|full|reached)",
    r"exceed\w* (?:\w+ ){0,3}(?:quota|storage|mailbox size|disk)|storage (?:limit|quota)\b",
    r"too many (?:messages|mails) (?:on|in) (?:the|this|his|its) (?:server|mailbox)|zuviele mails",
    r"(?:mailbox|inbox|mail box|mail ?drop|account|user|recipient) (?:\w+ ){0,3}(?:is )?full\b",
    r"(?:mailbox|inbox|user|recipient)\b.{0,40}(?:out of|insufficient|not enough|no) "
    r"(?:\w+ ){0,2}(?:space|storage|room)",
    r"(?:insufficient|not enough) (?:\w+ )?(?:mailbox|user|recipient) (?:storage|space)",
    r"\b(?:pleine|plein|voll|llena|lleno|piena|cheia|переполнен\w*)\b|speicherplatz",
    r"(?:邮箱|信箱|郵箱|空间|空間|容量)\S{0,6}(?:满|滿|不足)|(?:容量|メールボックス)\S{0,6}(?:超|オーバー|いっぱい)|가득",
)
_WHO = (
    r"(?:user|recipient|mailbox|mail box|account|address|addressee|customer|person|alias|"
    r"subscriber|"
    r"member|e-?mail|inbox|destinataire|empf\w+|utilisateur|usuario|rcpt)"
)
NO_MAILBOX = family(
    r"(?:no such|unknown|invalid|non-?exist\w*|unrout?e?able|undeliverable|unallocated|bad|"
    r"nonexistant|"
    r"no valid|not a valid|not a known|unrecogni[sz]ed) (?:\w+ ){0,2}?-?"
    rf"{_WHO}s?\b",
    r"invalid-recipient|recipientnotfound|user ?unknown|no-domain",
    rf"\b{_WHO}(?:'s)?\W+(?:\S+ ){{0,4}}?(?:is |was |were |are |has been |have been |\W)*"
    r"(?:unknown|not found|not known|no longer (?:valid|exists?|active|available|in use|here|"
    r"works?|"
    r"accept\w*)|invalid|inexist\w*|nonexist\w*|unallocated|does ?n[o']?t? ?(?:exist|have)|"
    r"do(?:es)? not (?:exist|have)|not exist|not (?:a )?valid|not (?:listed|registered|"
    r"recogni[sz]ed)|"
    r"could not be found|cannot be found|deleted|discontinued|unroutable|undeliverable)",
    r"(?:doesn't|does not|don't|do not) (?:exist|have (?:an?|any) (?:\w+ )?(?:account|mailbox))",
    r"no (?:mailbox|user|account|recipient|such person|one) (?:\w+ ){0,2}(?:here|by that|with that|"
    r"of that|at this|called)",
    r"no such (?!host|domain|command|file|sender|policy|record|client)|not our customer|"
    r"no account by|not in recipient list",
    r"no mailbox here|(?:could not|cannot|can't|unable to) (?:\w+ )?(?:find|verify) (?:\w+ ){0,2}"
    r"(?:recipient|mailbox|user|address)",
    r"existiert (?:leider )?nicht|bestaat niet|finn[es]s? (?:inte|ikke)|findes ikke|non esiste|"
    r"nao existe|neexist|mevcut degil",
    r"nie ma takiego|nie istnieje|onbekend|okand|neexistuje|nu exista|nem letezik|bulunamad",
    r"存在しません|존재하지|not a (?:member|customer|subscriber|user)\b",
    r"not an? (?:active|local|existing|valid|known) (?:\w+ )?(?:address|user|mailbox|recipient)",
    r"nessun utente|not in my validrcptto",
    r"no longer (?:an? )?(?:employ\w*|with (?:us|the)|works?|on (?:this |the )?server|"
    r"accepts? mail)",
    r"inconnu\w*|n'existe pas|unbekannt|no existe|desconocid\w+|sconosciut\w+|inesistente|"
    r"не существует|"
    r"не найден|destinataire invalide|destinatario no|不存在",
)
MAILBOX_CLOSED = family(
    r"(?:mailbox|mail box|recipient|addressee|address|user|account|inbox|e-?mail)\b.{0,40}?"
    r"\b(?:disabled|inactive|deactivated|deleted|terminated|discontinued|closed|not active|"
    r"no longer active|expired|(?:blocked|disabled|suspended) due to inactivity)\b",
    r"inactive (?:mailbox|user|account|recipient)|disabled (?:mailbox|user|account|recipient)",
)
# A status may call an address dead while the words speak of us, of the message, or of a policy.
NOT_ITS_ADDRESS = rf"^(?!.*(?:{NO_MAILBOX}|{MAILBOX_CLOSED})).*(?:{words.NO_GRAVE})"
