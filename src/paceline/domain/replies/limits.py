"""Words of how much and how often: a session's cap, a crowd, a rate, a quota, a server's own load.

Whose limit it is decides what follows: ours lets a sender wait, the recipient's one email.
"""

from __future__ import annotations

from paceline.domain.replies.words import CEILING, MAILS, NEAR, PASSED, PERIOD, SOME, family

# --- This connection -----------------------------------------------------------------------------

SESSION_SPENT = family(
    r"(?:session|connection) has been used",
    # "messages per session", "in this session", "max message per connection reached"
    rf"(?:{MAILS}|transactions?|limit|count)\b{NEAR}\b(?:per|in|on|over|for|during) "
    r"(?:this |that |a |the |one |each |same |single |every )*(?:smtp |tcp |current )*"
    r"(?:session|connection)\b",
    r"(?:session|connection) (?:message|mail|e-?mail|transaction|recipient) (?:limit|count|quota)",
    r"too many (?:mail |smtp )?transactions\b(?! (?:per|an?|this|in the last) )",
    r"too many (?:in|on|per|over|during) (?:this |a |the |one |each |single )*(?:session|"
    r"connection)\b",
    r"open a new (?:session|connection)",
    r"maximum (?:session|connection) (?:messages?|mails?)|(?:session|connection) time limit",
    r"(?:in|pro|je) (?:dieser |einer )?(?:verbindung|sitzung)\b|par (?:connexion|session)\b|"
    r"por (?:conexion|sesion|conexao|sessao)\b|per (?:connessione|sessione)\b",
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
    r"too many (?:unknown|invalid|bad|non-?existent) (?:recipients?|rcpts?|users?|addresses)\b"
    r"(?! from)",
    r"too many (?:consecutive |protocol |smtp |bad |invalid )*(?:errors|mistakes)\b",
    r"(?:bad|invalid|unknown|unrecogni[sz]ed) (?:smtp )?commands? (?:limit|count)|error limit",
    # NetEase's tokens: too many mails, recipients, commands or errors on one connection.
    r"\b(?:mi|rp|dt|wm|hl):(?:dmc|drc|ccl|cel|cmc)\b",
)

# A stop that is said to last does not end with the connection.
STOPPED_FOR = family(
    rf"(?:blocked|banned|barred|suspended|refused) for (?:the |an? |one |next |\d+ )*{PERIOD}s?\b",
    r"\btoday\b|\btomorrow\b",
)

# --- Too many connections ------------------------------------------------------------------------

CROWDED = family(
    r"\b(?:concurren(?:t|cy)|simultaneous|parallel)\w*\b",
    r"too many (?:\w+ ){0,4}(?:connections?|sessions?)\b",
    r"too many (?:open|active|current) ",
    rf"(?:connection|session)s? (?:\w+ ){{0,3}}(?:limit|count|maximum)\b{NEAR}{PASSED}",
    r"(?:maximum|max|limit|number) (?:\w+ ){0,3}(?:of )?(?:\w+ )?(?:connections|sessions)\b",
    r"(?:connections|sessions) (?:\w+ ){0,4}(?:exceed\w*|reached|at once)",
    r"thread limit",
    r"trop de connexions|zu viele verbindungen|demasiadas conexiones|troppe connessioni",
    r"слишком много (?:одновременных )?соединений",
    r"\bhl:icc\b",  # NetEase
)
# Connections that are counted over time are no crowd: fewer at once would not help.
NO_CROWD = family(rf"\b(?:per|this|each|last|past) {PERIOD}", r"today|frequen\w+|\brate\b")

# --- The recipient's own limits ------------------------------------------------------------------

_THEY = (
    r"(?:recipients?|rcpt|users?|mailbox|mail box|inbox|addressee|destination|customer|"
    r"account|address|domains?)"
)
THEIR_RATE = family(
    r"(?:rate|limit|quota|too many|too much|volume)\b.{0,30}\bincoming\b",
    rf"\b{_THEY}\b{NEAR}\b(?:is |are |was |has been |currently )?receiv(?:ing|ed) "
    rf"(?:{MAILS} |mail )?(?:too|at a|more|many)",
    r"receiving (?:mail|messages|e-?mails?) (?:too|at a rate)|(?:frequency|rate) of receiving",
    r"\bget(?:s|ting)? (?:e-?mails? |mails? |messages )?(?:too|at (?:too|a))\b",
    r"(?:mailbox|inbox|recipient) (?:is )?(?:too )?busy",
    rf"number of {MAILS} (?:that )?(?:they|it|he|the recipient|the mailbox) (?:can|may) receive",
    r"(?:收件人|接收|受信|수신)\S{0,20}(?:频率|頻率|频繁|頻繁|上限|超)",
    # "to this recipient": singular, and one in particular
    rf"(?:{CEILING}|{PASSED}|frequen\w+|throttl\w+|{MAILS}|slow\w*)\b.{{0,60}}\bto "
    r"(?:this|that|the same|same|the|one|a single|your) "
    r"(?:recipient|user|mailbox|destination|recipient domain|destination domain)\b",
    rf"{MAILS} (?:to|for) address (?:are |is |was |were )?(?:temporarily )?"
    r"(?:deferred|delayed|limited|throttled)",
)
# Theirs as well, unless they name us.
PERHAPS_THEIR_RATE = family(
    # "the recipient has exceeded", "recipient's hourly limit", "recipients domain hourly quota"
    rf"\b(?:recipient|mailbox|destination|inbox)(?:'?s)? (?:\w+ ){{0,3}}(?:has |have |is |was )"
    rf"(?:\w+ ){{0,2}}(?:{PASSED}|limited|throttled)\b{NEAR}(?:rate|{PERIOD}|{MAILS})",
    r"\b(?:recipient'?s|mailbox(?:'?s)?|destination(?:'?s)?|inbox) (?:\w+ ){0,2}"
    r"(?:rate|hourly|daily|frequency)\b",
    r"\bdomains? (?:hourly|daily) quota",
    rf"(?:{CEILING}|{PASSED}|frequen\w+|throttl\w+|{MAILS}|slow\w*)\b.{{0,60}}\bfor "
    r"(?:this|that|the same|same|the|one|a single|your) "
    r"(?:recipient|mailbox|destination|recipient domain|destination domain)\b",
)
# Behind a status about an address or a mailbox (X.1.x, X.2.x) these are the mailbox's own.
BUSY = family(
    rf"\b{CEILING}\b(?! (?:user|domain))",
    r"too (?:fast|quickly|often|frequently|many|much)\b",
    r"\brecent\b|\bbusy\b|throttl\w+",
    r"(?:try|retry|come|resend|send)\w*\W+(?:your message |it )?(?:again|back|later|in \d+)",
    r"temporar\w+",
)
# Another program has it open: it lives.
IN_USE = family(
    r"\b(?:mailbox|mail box|inbox|mail ?drop|recipient|user|account)\b.{0,40}?"
    r"\b(?:busy|in use|being (?:used|accessed|processed|moved|migrated)|lock ?file)\b",
    r"\block(?:ed)? (?:\w+ ){0,2}by (?:another|other) (?:process|session|client|user|program)",
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
    rf"\b(?:hourly|daily|(?:per|this|(?:for|in) (?:the|one|each)) {PERIOD}|(?:for )?today\b|"
    rf"{MAILS} (?:per|this|in)|e-?mail quota|"
    rf"messages? (?:count )?quota|policy rejection)\b"
)

# --- Our quota, our rate -------------------------------------------------------------------------

_OF_OURS = (
    r"(?:sending|sent|outgoing|outbound|outbox|send|sender|relay\w*|submission|delivery|transmit|"
    r"transmission|daily|hourly|monthly|weekly|mails?|mailing|messages?|e-?mails?|plan|smtp|tenant|"
    r"recipient|account|connection|connections|usage|free|trial)"
)
_PER = rf"per (?:\d+ )?{PERIOD}s?"
LIMITED = family(
    # "may only send 100 mails an hour", "has sent its 200 mails for today", "your monthly emails"
    r"\b(?:sent|send|may|only|allowed|no more|used|too|max\w*|limit\w*|more than)\b.{0,60}?"
    rf"\b{MAILS}\b.{{0,40}}?\b{PERIOD}\b",
    rf"\b(?:used|sent|spent|reached)\b.{{0,40}}?\b(?:daily|hourly|monthly|weekly) {MAILS}\b",
    r"\b(?:daily|hourly|monthly|weekly) (?:\w+ ){0,2}(?:count|number|maximum|total|volume)\b",
    r"\byou(?:'ve| have)? (?:already )?(?:exceed\w*|reached|hit|used up|exhausted|sent (?:too|"
    r"more|\d))",
    r"\byour (?:\w+ ){0,3}(?:quota|limit|allowance)\b",
    r"(?:take you over|over) your (?:\w+ )?(?:quota|limit)|(?:messages?|mails?) (?:count )?quota",
    r"throttl\w+",
    r"\brate[- ]?(?:control|polic\w+|enforc\w+|protect\w+)",
    # A mailbox that is full may be ours: its copies of what was sent.
    rf"\bsenders?(?:'s)? (?:\w+ ){{0,4}}(?:full\b|over\b{NEAR}quota|{PASSED}{NEAR}{CEILING})",
    rf"{CEILING}\b{NEAR}{PASSED} (?:for |in )?(?:this|the|one|each) {PERIOD}\b",
    r"rate[ -]?limit\w*|\brate\b (?:\w+ ){0,3}(?:is |was |has been |have )?"
    rf"(?:limited|too high|{PASSED})",
    rf"{PASSED} (?:\w+ ){{0,5}}rate\b",
    r"(?:unusual|excessive|high|too high(?: a)?) (?:\w+ ){0,2}(?:rate|volume|activity|traffic|"
    r"amount)",
    r"(?:excessive|too many) (?:unknown|invalid|bad) recipients",
    r"unexpected volume|unusual (?:\w+ ){0,2}activity|suspicious(?:ly)? (?:\w+ )?(?:volume|rate)",
    # "daily user sending limit exceeded", "over its outgoing quota"
    rf"\b{_OF_OURS}(?:'s)? {SOME}{CEILING}\b{NEAR}{PASSED}",
    rf"{PASSED}\b{NEAR}\b{_OF_OURS} {SOME}{CEILING}\b",
    rf"\b{CEILING}\b (?:on |of |for ){NEAR}(?:outgoing|sent|send|sending|"
    rf"{MAILS})\b{NEAR}{PASSED}",
    rf"{PASSED}\b{NEAR}\b{CEILING}\b (?:on |of |for |to ){NEAR}"
    rf"(?:outgoing|sent|send|sending|{MAILS})\b",
    rf"\b{CEILING}\b{NEAR}\b{_PER}|\b{_PER}\b{NEAR}\b(?:{CEILING}|{PASSED})",
    rf"{PASSED}\b{NEAR}\b{_PER}\b",
    rf"{MAILS} count (?:\w+ ){{0,2}}{PASSED}",
    rf"{PASSED} (?:the )?(?:permitted|allowed|acceptable) {CEILING}",
    rf"\b(?:max|maximum|only|limit\w*|up to|more than) (?:of |is |to )?\d+ (?:\w+ ){{0,3}}(?:per|"
    rf"an?|each|every|/) ?(?:\d+ )?{PERIOD}",
    rf"\b{PERIOD}\b {SOME}(?:limit|quota|credits?|allowance|allotment)\b",
    r"(?:out of|no (?:more )?|insufficient|not enough|maximum) (?:\w+ ){0,2}credits?\b",
    r"credits? (?:\w+ ){0,3}(?:exceeded|exhausted|used|expired|depleted)",
    r"(?:insufficient|not enough|no|low) (?:\w+ )?(?:balance|funds)\b",
    rf"\bburst (?:\w+ )?{CEILING}\b{NEAR}{PASSED}|too much recipients?\b",
    # "too many emails per second", "too many recipients received this hour", "too many logins"
    rf"too many (?:[\w-]+ ){{0,3}}{MAILS}(?! (?:in|per) (?:the |this |a )?message)",
    r"too many (?:[\w-]+ ){0,3}(?:requests?|attempts|logins?|log-?ins|authentications?|failures|"
    r"invalid|unknown|spams?|submissions|deliveries|sends|connects|messages)\b",
    r"authenticat\w+ (?:too (?:many|often|frequently)|limit)|auth (?:error )?limit",
    r"too (?:fast|quickly|often|frequently|frequent)\b(?: to be)?",
    rf"{PASSED}\b{NEAR}\bnumber of (?:\w+ ){{0,2}}{MAILS}|"
    rf"\bnumber of (?:\w+ ){{0,2}}{MAILS}\b{NEAR}{PASSED}",
    rf"\b(?:tenant|account|sender|domain|customer|client|ip|organi[sz]ation)s? (?:\w+ )?(?:has|"
    rf"have|is) "
    rf"(?:\w+ ){{0,2}}{PASSED}",
    r"too (?:much|many) (?:e-?)?mails?\b",
    r"(?:frequency|frequently) (?:\w+ )?(?:limit\w*|exceeded|send\w*)|sending frequency",
    rf"more (?:\w+ ){{0,3}}{MAILS}\b{NEAR}\bthan\b",
    r"(?:sent|sending|send) (?:\w+ ){0,2}(?:too (?:many|much)|more)\b",
    rf"{MAILS} (?:\w+ ){{0,4}}short (?:period|time|amount)|in a short (?:period|time)",
    r"\bslower\b|more slowly",
    r"slow(?:ing)? (?:it )?down|reduce (?:your|the) (?:\w+ )?(?:rate|volume|speed)",
    r"flood(?:ing|ed)",
    r"(?:upgrade|increase) (?:\w+ ){0,3}(?:plan|limit|quota)|refuse quota",
    r"wait (?:some time|a while|an hour|\d+ (?:seconds|minutes|hours)) (?:before|and|until)",
    r"(?:unusual|suspicious|abnormal) sending",
    rf"(?:\bip\b|client|host|connection|server|sender|\d) {SOME}temporar\w+ "
    r"(?:blocked|restricted|banned|limited|deferred|blacklisted|denied|rejected)",
    rf"(?:blocked|banned|suspended|paused|stopped|disabled|restricted) (?:\w+ ){{0,2}}for "
    rf"(?:the|an?|one|next|\d+) {PERIOD}s?\b",
    r"temporar\w+ (?:deferred|rate|throttled)",
    # In other languages.
    r"\b(?:pro|je) (?:stunde|tag|minute|woche|monat)|par (?:heure|jour|minute|mois)|"
    r"por (?:hora|dia|minuto|mes)|all'ora|al giorno",
    r"suspens(?:ao|ion|ione) (?:de|d'|di) ?(?:envi|invi)|"
    r"limite (?:\w+ ){0,3}(?:d'?envoi|de envio|di invio|atteinte?|excedido|superato|journali)",
    r"(?:zu viele|anzahl der) (?:e-?mails|nachrichten|empf)|versandlimit|sendelimit|"
    r"limit ue?berschritten",
    r"превышен (?:\w+ )*(?:лимит|квот)|слишком (?:много|часто)",
    r"频率|頻率|超过(?:限制|上限)|超過(?:限制|上限)",
    r"\b(?:mi|rp|dt|wm|hl):(?:sfq|stc|trc|rcl|qrc|ifc|mep|rep|tmc|bli)\b",  # NetEase
)

# Who checks the passwords did not answer: a wrong one is told otherwise.
NO_ONE_TO_ASK = family(
    r"connection lost to authentication server",
    r"(?:internal|temporar\w+) (?:\w+ )?(?:failure|error|problem)|temporar\w+ unavailable",
)

# --- The server's own trouble --------------------------------------------------------------------

BUSY_SERVER = family(
    r"(?:insufficient|out of|low on|not enough|lack of|no) (?:\w+ ){0,2}"
    r"(?:resources?|memory|disk(?: space)?|storage|space)\b",
    r"resources? (?:\w+ ){0,2}(?:unavailable|exceeded|exhausted)",
    r"(?:server|system|service|host) (?:is |are )?(?:currently |temporarily |too |very |over)*"
    r"(?:busy|overloaded|loaded|unavailable|shutting down)",
    r"overload\w*|load (?:average|is|too) ?|system load|high load|too busy|heavy load|"
    r"back ?pressure",
    r"temporar\w+ local problem|system\S* busy",
    r"temporar\w+ (?:internal )?(?:server|system|service|authentication) (?:error|failure|problem)",
    r"(?:space|storage|disk) (?:shortage|full|exhausted)",
    r"(?:internal|local) (?:server|system|resource)\w* (?:error|\w+ unavailable)",
    r"queue (?:\w+ ){0,3}(?:full|quota|limit)|too many (?:\w+ ){0,2}(?:processes|queued)",
    r"(?:service|system) (?:\w+ )?(?:not available|unavailable|shutting|down)|shutting down",
    r"maintenance",
    r"queue file|write error",
    r"^qq\b",  # qmail-queue
)
