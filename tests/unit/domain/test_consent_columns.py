"""Who has opted out is not written to, whatever a list's columns call it; and nobody else is lost.

Each case is a column beside an address: its title, the values of those who may be written to, and
of those who may not.
"""

from __future__ import annotations

import pytest

from paceline.domain.tables.choices import Choices, OptedOut
from paceline.domain.tables.recipient_files import RecipientReader
from paceline.errors import InvalidInput

CASES = [
    # A consent that does not say yes is none.
    ("Opt-in", ["Double opt-in"], ["Pending", "Opted out"]),
    ("Consent", ["yes"], ["n/a", "unknown", ""]),
    ("Consent", ["Yes", "Yes, by phone"], ["No", "expired", "requested"]),
    ("GDPR consent given", ["2023-01-05 10:22"], [""]),
    ("Consent status", ["valid"], ["expired"]),
    ("Email consent", ["granted"], ["withdrawn", "not asked"]),
    ("Permission", ["express", "implied"], ["none"]),
    ("Newsletter", ["weekly", "monthly"], ["never"]),
    ("Newsletter", ["yes"], ["no", "later perhaps", ""]),
    ("DSGVO-Einwilligung", ["liegt vor"], ["fehlt"]),
    ("Einwilligung", ["erteilt"], ["widerrufen", "ausstehend"]),
    ("Consentement RGPD", ["Accordé"], ["En attente", "Refusé"]),
    ("Consentimiento", ["vigente"], ["pendiente"]),
    ("Consenso marketing", ["SÌ", "Sì"], ["NO"]),
    ("Zgoda na mailing", ["TAK"], ["NIE", "brak"]),
    ("Email pref", ["All"], ["None"]),
    ("Frequency", ["Daily"], ["Never"]),
    ("Email frequency", ["weekly"], ["never"]),
    # A yes and its negation.
    ("Consent", ["I consent", "I agree"], ["I do not consent", "I don't agree"]),
    ("Would you like our newsletter?", ["I would"], ["I would not", "rather not"]),
    ("Einwilligung Newsletter", ["Ich stimme zu"], ["Ich stimme nicht zu"]),
    ("Newsletter gewünscht", ["gewünscht"], ["nicht gewünscht"]),
    ("Consentement", ["J'accepte"], ["Je n'accepte pas", "je n’accepte pas"]),
    ("Consentimiento", ["Acepto"], ["No acepto"]),
    ("Privacy marketing", ["Acconsento"], ["Non acconsento"]),
    ("Nieuwsbrief", ["wel"], ["liever niet"]),
    ("Zgoda marketingowa", ["Wyrażam zgodę"], ["Nie wyrażam zgody"]),
    ("Согласие на рассылку", ["Согласен"], ["Не согласен"]),
    ("KVKK onayı", ["Onaylıyorum"], ["Onaylamıyorum"]),
    ("Συναίνεση", ["ναι"], ["όχι"]),
    ("Mailing?", ["👍"], ["👎"]),
    ("案内メール", ["送る", "希望します"], ["送らない", "希望しません"]),
    ("E-bülten", ["istiyor", "alıyor"], ["istemiyor", "almıyor"]),
    ("Abonelik durumu", ["Abone"], ["Abonelikten çıktı"]),
    # A title that denies.
    ("Ne plus contacter", [""], ["X"]),
    ("Ne plus solliciter", ["non", ""], ["oui"]),
    ("Nicht mehr anschreiben", [""], ["x"]),
    ("Keine Mailings", ["nein"], ["ja"]),
    ("Bitte nicht schreiben", [""], ["x"]),
    ("No escribir", [""], ["x"]),
    ("No más correos", [""], ["x"]),
    ("Non scrivere più", [""], ["x"]),
    ("Não mandar e-mail", ["não"], ["sim"]),
    ("Niet meer mailen", [""], ["x"]),
    ("Geen mailings", ["nee"], ["ja"]),
    ("Nie pisać", [""], ["x"]),
    ("Skicka inte mejl", [""], ["x"]),
    ("Ikke kontakt", ["nei"], ["ja"]),
    ("Stop mailing", ["no"], ["yes"]),
    ("Don't send newsletter", [""], ["x"]),
    ("Not to be mailed", ["0"], ["1"]),
    ("NeverEmail", ["FALSE"], ["TRUE"]),
    ("Email notifications disabled", ["false"], ["true"]),
    ("Mail notifications off", ["no"], ["yes"]),
    ("Mails unerwünscht", [""], ["x"]),
    ("E-Mail-Kontakt abgelehnt", ["nein"], ["ja"]),
    ("Newsletter gekündigt am", [""], ["01.02.2023"]),
    ("Refuse emailing", ["non"], ["oui"]),
    ("Avböjt utskick", [""], ["X"]),
    ("Reservert mot e-post", ["nei"], ["ja"]),
    ("Відмовився від розсилки", ["ні"], ["так"]),
    ("E-posta istemiyor", ["hayır"], ["evet"]),
    ("お知らせ不要", [""], ["○"]),
    ("不愿接收邮件", ["否"], ["是"]),
    ("마케팅 거부", ["N"], ["Y"]),
    ("Consenso revocato", ["no"], ["sì"]),
    ("Wycofana zgoda", ["nie"], ["tak"]),
    ("Ha solicitado la baja", ["No"], ["Sí"]),
    ("Nem kér hírlevelet", [""], ["x"]),
    ("Ei halua uutiskirjettä", [""], ["x"]),
    ("Не хоче отримувати листи", ["ні"], ["так"]),
    ("Ungültige E-Mail-Adresse", [""], ["true"]),
    ("Marketingkontakt-Status", ["Marketingkontakt"], ["Kein Marketingkontakt"]),
    ("Statut marketing", ["Abonné"], ["Aucun consentement", "sans consentement"]),
    # A title that allows.
    ("Можно писать", ["да"], ["нет"]),
    ("Pode receber e-mail", ["Sim"], ["Não"]),
    ("Mag gemaild worden", ["ja"], ["nee"]),
    ("連絡希望", ["希望する"], ["希望しない"]),
    ("Do you consent to receive our emails?", ["I do"], ["I do not"]),
    ("List membership status", ["Subscribed"], ["Cleaned"]),
    ("Situación", ["Alta"], ["Baja voluntaria"]),
    ("Contact allowed", ["yes"], ["no"]),
    ("Send mail", ["1"], ["0"]),
    ("can_be_emailed", ["true"], ["false"]),
    ("isMarketable", ["TRUE"], ["FALSE"]),
    ("Démarchage autorisé", ["oui"], ["non"]),
    ("Werbung", ["zugelassen"], ["untersagt"]),
    ("Email permitted", ["Y"], ["N"]),
    # A word for it in any gender and number.
    ("Estado", ["Activo", "Activa"], ["Desuscrita", "Rebotados", "Dadas de baja", "Queja"]),
    ("Stato", ["iscritti"], ["disiscritte"]),
    ("Status", ["actief"], ["klacht", "opgeschoond"]),
    ("Status", ["aktywny"], ["do potwierdzenia", "skarga"]),
    ("Status", ["aktiv"], ["Beschwerde", "studsade", "Hardbounce (permanent)"]),
    ("Status da base legal", ["Concedido"], ["Revogado"]),
    ("Legal basis", ["Consent", "Legitimate interest"], ["Consent withdrawn"]),
    ("Доступность", ["Доступен"], ["Адрес не существует"]),
    # Two that are opposites.
    ("Opt in/out", ["in"], ["out"]),
    ("Opt-in / Opt-out", ["Opt-in"], ["Opt-out"]),
    # Numbers of states.
    ("sub_status", ["1"], ["2", "3", "0", "-1"]),
    ("Subscriber status ID", ["1"], ["2", "3"]),
    # A question, either way round.
    ("Do you want to stop receiving our emails?", ["No", ""], ["Yes"]),
    ("I do not wish to receive your news", ["", "no"], ["x", "TRUE"]),
    ("Please tick if you'd rather not hear from us by email", [""], ["x"]),
    ("Möchten Sie keine Mails mehr erhalten?", ["nein"], ["ja"]),
    ("Je ne veux plus recevoir vos courriels", ["non"], ["oui"]),
    ("Dejar de recibir correos", ["No"], ["Sí"]),
    ("Non voglio ricevere la newsletter", ["no"], ["sì"]),
    ("Não quero receber e-mails", ["Não"], ["Sim"]),
    ("Geen mails meer ontvangen", ["nee"], ["ja"]),
    ("Nie chcę otrzymywać wiadomości", ["nie"], ["tak"]),
    ("Не хочу получать письма", ["нет"], ["да"]),
    ("Quer receber novidades por e-mail?", ["Quero"], ["Não quero"]),
    ("Voulez-vous recevoir nos nouvelles ?", ["oui"], ["non"]),
    ("Vill du ha nyheter?", ["ja"], ["nej"]),
    ("Receive cart emails?", ["Yes"], ["No"]),
    ("Allows organizer to email", ["Yes"], ["No"]),
    ("Darf angemailt werden", ["ja"], ["nein"]),
    ("Aus Verteiler entfernt", ["", "nein"], ["x", "ja"]),
    ("IsExcludedFromCampaigns", ["False"], ["True"]),
    ("Unsubscription reason", [""], ["Too many"]),
    ("is_email_bad", ["false"], ["true"]),
    ("Remove?", [""], ["REMOVE", "x"]),
    ("Last SMTP response", ["250 OK"], ["550 5.1.1 unknown user"]),
    ("Email status", ["valid", "active"], ["not valid", "not active"]),
    ("Stato e-mail", ["valida", "attiva"], ["rimbalzata", "non valida"]),
    ("DND Email", ["false", ""], ["true"]),
    ("result", ["deliverable", "risky"], ["undeliverable"]),
    ("Notiz", ["nicht verheiratet"], ["bitte nicht mehr schreiben"]),
    ("Commentaire", ["ne vient plus"], ["ne veut plus de mails"]),
    # A word for it among others.
    ("Global Subscription Status", ["Confirmed Opt-In"], ["Confirmed Opt-Out", "Soft Opt-Out"]),
    ("Email status", ["Active"], ["Bounced by server", "On hold bounce"]),
    # Beside somebody who is subscribed, whoever is not is none.
    ("Status", ["subscribed", ""], ["unverified", "Spam reported", "left"]),
    ("Subscription Type", ["Subscribed"], ["Removed", "Gone"]),
    ("Estado de suscripción", ["Suscrito", "Activo"], ["Desuscripto"]),
    ("Status", ["Active"], ["Held", "Rezygnacja"]),
    ("Unsubscribed Reason", ["", "none"], ["No longer interested", "Too many"]),
    ("Kontakt erlaubt?", ["Ja"], ["Nein"]),
    ("Notes", ["never late"], ["asked us not to email", "wants not to be contacted"]),
    ("Note", ["cliente"], ["non vuole più ricevere mail"]),
    ("Observações", ["ok"], ["pediu para sair da lista"]),
    ("Opmerkingen", ["aardig"], ["wil geen mail meer"]),
    ("Uwagi", ["miły"], ["proszę nie pisać"]),
    ("Newsletter subscribed", ["subscribed"], [""]),
    # With a date behind it.
    ("GDPR", ["Opt-in: 2023-01-01", "Opted in 1 May 2023"], ["Opt-out: 2024-05-01"]),
    ("Marketing", ["Opted in 2024-01-01"], ["Opted out 2024-05-01"]),
    ("Remark", ["Oslo"], ["Unsubscribed on 5/1/2024", "Bounced (2024-05-01)"]),
    # What a check, or the server, said of an address.
    ("Email status", ["ok"], ["bouncing"]),
    ("Verification result", ["valid", "catch-all"], ["invalid", "do_not_mail"]),
    ("Email validation", ["Deliverable"], ["Undeliverable"]),
    ("status", ["ok"], ["5.1.1", "550 5.1.1"]),
    ("reason", [""], ["550 5.1.1 User unknown", "554 5.7.1 rejected", "550 No such user"]),
    # Not yet confirmed.
    ("Status", ["subscribed"], ["pending", "unconfirmed", "unsubscribed"]),
    ("Status", ["active"], ["pending", "invalid", "validating"]),
    ("Subscription", ["confirmed"], ["pending", "cancelled"]),
    ("emailstop", ["0"], ["1"]),
    ("Email stop", ["no"], ["yes"]),
    # What programs call it.
    ("DNE", ["N", ""], ["Y"]),
    ("Marketing Suspended", ["false"], ["true"]),
    ("Email Suspended", ["0"], ["1"]),
    ("Blocked", ["", "no"], ["yes"]),
    ("Deleted", ["0"], ["1"]),
    ("is_deleted", ["f"], ["t"]),
    ("deleted_at", [""], ["2024-05-01", "2024-05-01 10:00:00"]),
    ("deletedAt", ["", "0000-00-00"], ["2024-05-01T10:00:00Z"]),
    ("Archived", ["No"], ["Yes"]),
    ("Baja", ["", ""], ["03/04/2024"]),
    ("Active?", ["✓"], ["✗"]),
    ("Active", ["yes"], ["no"]),
    ("is_active", ["t"], ["f"]),
    ("Aktiv", ["ja"], ["nein"]),
    ("confirmed", ["1"], ["0"]),
    ("email_verified", ["true"], ["false"]),
    ("STOP", [""], ["STOP"]),
    ("state", ["active"], ["inactive", "cancelled", "complained"]),
    ("Status", ["A"], ["U"]),
    ("Status", ["Active"], ["Recipient unsubscribed via link"]),
    ("Status Reason", ["Active"], ["Recipient unsubscribed via link"]),
    ("Email status", ["Active"], ["Temporary hold"]),
    ("Left company", ["No"], ["Yes"]),
    # What people write.
    ("Comments", ["likes tea", "-"], ["please unsubscribe", "Remove me from your list!"]),
    ("Remarks", ["asks about prices"], ["asked to be removed 3/4", "DO NOT EMAIL"]),
    ("Bemerkung", ["mag Tee"], ["bitte aus dem Verteiler austragen", "keine Mails mehr"]),
    ("Notes", ["has not unsubscribed"], ["has unsubscribed in May"]),
    ("Bemerkung", ["zahlt bar"], ["möchte keine Post mehr", "will nichts mehr von uns hören"]),
    ("Bemerkung", ["mag Tee"], ["keine Infos mehr schicken", "Bitte aus dem Verteiler nehmen"]),
    ("Bemerkung", ["keine Kinder"], ["hat um Löschung gebeten", "keine E-Mails"]),
    ("Interne Notizen", ["zahlt bar"], ["wünscht keine E-Mails"]),
    ("Notes", ["likes wine"], ["does not want emails", "doesn't want to hear from us"]),
    ("Customer notes", ["likes wine"], ["no emails please", "NO EMAILS!!", "stop mailing him"]),
    ("Notes", ["cheque bounced"], ["address bounces", "email bounced 2/3"]),
    ("Notes", ["paid"], ["no longer wishes to receive newsletters", "opt-out via phone"]),
    ("Bemerkung", ["gut"], ["nicht mehr angeschrieben werden", "Newsletter ab 1.3. abbestellt"]),
    ("Notas", ["bien"], ["solicita no recibir publicidad", "no enviar nada más"]),
    ("Obs.", ["bem"], ["não enviar e-mails", "quer sair da lista", "cancelou a newsletter"]),
    ("Opm.", ["goed"], ["geen mail sturen", "afgemeld voor nieuwsbrief"]),
    ("Uwagi", ["dobrze"], ["nie życzy sobie maili", "rezygnuje z mailingu"]),
    ("Bemerkung", ["nicht abgemeldet"], ["Newsletter abbestellt", "ist abgemeldet"]),
    ("Commentaires", ["bien"], ["s'est désabonnée", "refuse nos mails", "ne plus lui écrire"]),
    ("Comentarios", ["bien"], ["se dio de baja", "ya no desea recibir correos"]),
    ("Opmerkingen", ["goed"], ["heeft zich afgemeld", "niet meer benaderen"]),
    ("Remarque", ["paie"], ["ne veut plus de nos mails", "plus de mails svp"]),
    ("Remarque", ["paie"], ["a demandé à être retiré de la liste", "demande sa désinscription"]),
    ("Observaciones", ["paga"], ["no quiere más correos", "pidió la baja", "quitar de la lista"]),
    ("Note", ["paga"], ["ha chiesto la cancellazione", "togliere dalla lista"]),
    ("Observações", ["paga"], ["não quer mais receber", "retirar da lista"]),
    ("Opmerking", ["betaalt"], ["wil geen mails meer", "van de lijst halen"]),
    ("Uwagi", ["płaci"], ["nie chce maili", "proszę wypisać"]),
    ("Anmärkning", ["betalar"], ["vill inte ha mejl"]),
    ("備考", ["現金"], ["メール送らないでください"]),
    ("备注", ["现金"], ["不要再发邮件"]),
    # In other languages.
    ("Afmeldt", ["Nej"], ["Ja"]),
    ("Markkinointikielto", ["Ei"], ["Kyllä"]),
    ("Markkinointilupa", ["Kyllä"], ["Ei"]),
    ("Peruutettu", ["Ei"], ["Kyllä"]),
    ("Reservert", ["Nei"], ["Ja"]),
    ("Hủy đăng ký", ["Không"], ["Có"]),
    ("Διαγραμμένος", ["Όχι"], ["Ναι"]),
    ("إلغاء الاشتراك", ["لا"], ["نعم"]),
    ("הוסר", ["לא"], ["כן"]),
    ("Odjavljen", ["ne"], ["da"]),
    ("Rimosso", ["no"], ["sì"]),
    ("Remover da lista", ["Não"], ["Sim"]),
    ("Inativo", ["N"], ["S"]),
    ("Ne souhaite plus recevoir", [""], ["X"]),
    ("Подписка", ["активна"], ["отключена"]),
    ("メルマガ", ["購読中"], ["解除"]),
]

NOT_ABOUT_IT = [
    ("Consenso profilazione", ["SI", "NO"]),
    ("Cookie consent", ["yes", "no"]),
    ("Einwilligung Foto", ["ja", "nein"]),
    ("Consent to third parties", ["yes", "no"]),
    (
        "Notes",
        ["removed something from the patient list", "not contacted yet", "sent mail, no reply"],
    ),
    (
        "Notes",
        ["declined invitation", "stop by the office", "rejected the offer", "wants more emails"],
    ),
    ("Remarque", ["pas encore contacté", "veut plus d'informations", "n'a pas reçu le mail"]),
    ("Note", ["non ha ricevuto la mail", "ha chiesto informazioni"]),
    ("Refund status", ["refused", "paid"]),
    ("Spam score", ["1", "5"]),
    ("Can drive", ["yes", "no"]),
    ("Send by", ["mail", "post"]),
    ("Wants demo", ["yes", "no"]),
    ("ConsentToTrack", ["Yes", "No"]),
    ("Kundenstatus", ["neu", "VIP"]),
    ("Account no, email", ["1001", "1002"]),
    ("Bus stop", ["North", "South"]),
    ("Newsletter Mai", ["ja", "ja"]),
    ("Notes", ["does not write much English", "did not answer our email", "no contact since May"]),
    ("Notes", ["has no newsletter idea yet", "asks about removal of stains", "cannot hear well"]),
    ("Notes", ["took the wine from the price list", "not the usual contact person at Acme"]),
    ("Bemerkung", ["hat nicht geschrieben, kommt aber", "kann nicht schreiben", "keine Tiere"]),
    ("Remarque", ["plus de détails demain", "n'a pas de voiture", "pas de réponse au mail"]),
    ("Observaciones", ["no contesta al teléfono", "vive en la lista de espera"]),
    ("Note", ["non risponde alla posta", "vuole più mail", "ha chiesto la fattura"]),
    ("Opmerking", ["heeft geen auto", "komt niet"]),
    ("Status", ["new", "contacted", "invalid order number"]),
    ("Subscription Type", ["monthly", "yearly"]),
    ("SMS CAMPAIGNS", ["Subscribed", "Not collected"]),
    ("Email status", ["deliverable", "risky", "never bounced", "not bounced"]),
    ("Notes", ["asked not to be called", "vuole più mail"]),
    ("Newsletter topics", ["Wine", "Travel", "Cheese", "Beer, but not only"]),
    ("Last email received", ["2024-01-01", "", "2024-02-01"]),
    ("Emails received", ["3", "0", ""]),
    ("Version", ["5.1.1", "5.1.2"]),
    ("Do you want to stop smoking?", ["yes", "no"]),
    ("Removed parts", ["none", "2"]),
    ("Allowance", ["yes", "no"]),
    ("Excluded from tax", ["yes", "no"]),
    ("SMS status", ["subscribed", "unsubscribed"]),
    ("SMS Marketing Consent", ["SUBSCRIBED", "UNSUBSCRIBED"]),
    ("Status", ["confirmed", "pending"]),
    ("Reason", ["5.1.26 called", "report 5.1.1.3", "550 people came"]),
    ("Remark", ["likes Stop 13", "Stopped 2024-05-01"]),
    ("Marketing", ["Head of brand", "no budget yet"]),
    ("Result", ["valid", "invalid"]),
    ("Subscription", ["monthly", "none"]),
    ("Mail stop", ["MS-12", "MS-7"]),
    ("State", ["CA", "NY", "U"]),
    ("US State", ["CA", "UT", "AL"]),
    ("Vegetarian", ["no", "yes"]),
    ("Lead Status", ["Closed", "New", "Inactive", "Unqualified"]),
    ("Order status", ["cancelled", "failed", "completed"]),
    ("Payment status", ["declined", "paid"]),
    ("Consent version", ["2", "3"]),
    ("Consent source", ["web form", "trade fair"]),
    ("Opt-in date", ["2023-01-01", ""]),
    ("Emails opened", ["0", "12"]),
    ("Email marketing opens", ["0", "12", "3"]),
    ("Newsletter", ["Product news", "Offers"]),
    ("Newsletter topics", ["Wine; Cheese", "Travel"]),
    ("Stage", ["Closed won", "Inactive"]),
    ("Comments", ["never been so happy", "How do I stop the timer?", "no more questions"]),
    ("Subject", ["How to unsubscribe from life"]),
    ("Purchase frequency", ["Never", "Weekly"]),
    ("Member", ["no", "yes"]),
    ("Subscription status", ["active", "trialing"]),
    ("Agreement", ["Signed", "Standard"]),
    ("Permissions", ["read", "write"]),
    ("Notes", ["He stopped mail fraud", "Please remove the old sofa"]),
    ("Suspended chords", ["yes", "no"]),
    ("SMS consent", ["no", "yes"]),
    ("Email format", ["html", "text"]),
    ("Children", ["none", "2"]),
    ("Unsubscribe link", ["https://x.example/u/1", "https://x.example/u/2"]),
    ("Gender", ["f", "m"]),
    ("Country", ["NO", "SE", "DE"]),
    ("Company", ["Stop Ltd", "Unsub GmbH"]),
    ("Language", ["da", "no", "ja"]),
]


def mailed(text: str, *, choices: Choices | None = None, encoding: str = "utf-8") -> list[str]:
    reader = RecipientReader(choices=choices or Choices())
    data = text.encode(encoding)
    reader.look_ahead([data])
    found = [one.address for batch in reader.feed(data) for one in batch]
    found += [one.address for batch in reader.finish() for one in batch]
    assert reader.rows == len(found) + len(reader.refused) + reader.left_out_count
    told = sum(reader.shape.opted_out.values()) if reader.shape else 0
    assert not reader.left_out_count or reader.left_out_count == told, "left out, and not said"
    return found


def table(title: str, yes: list[str], no: list[str], *, beside: str = "") -> str:
    rows = [f"Name,{beside or 'City'},Email,{title}"]
    rows += [f'N{i},x,in{i}@example.com,"{value}"' for i, value in enumerate(yes)]
    rows += [f'N{i},x,out{i}@example.com,"{value}"' for i, value in enumerate(no)]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(("title", "yes", "no"), CASES, ids=str)
def test_who_has_opted_out_is_left_out_and_who_has_not_is_not(
    title: str, yes: list[str], no: list[str]
) -> None:
    text = table(title, yes, no)
    assert mailed(text) == [f"in{i}@example.com" for i in range(len(yes))]
    everybody = len(yes) + len(no)
    assert len(mailed(text, choices=Choices(opted_out=OptedOut.MAIL))) == everybody


@pytest.mark.parametrize(("title", "values"), NOT_ABOUT_IT, ids=str)
def test_a_column_about_something_else_leaves_nobody_out(title: str, values: list[str]) -> None:
    assert len(mailed(table(title, values, []))) == len(values)


@pytest.mark.parametrize(
    ("beside", "title", "values"),
    [
        ("Deal", "Active", ["yes", "no"]),
        ("Order ID", "Status", ["completed", "cancelled", "failed"]),
        ("Invoice", "Archived", ["no", "yes"]),
        ("Event", "Confirmed", ["yes", "no"]),
        ("Amount", "Deleted", ["0", "1"]),
        ("Order ID", "Status", ["subscribed", "paid"]),
    ],
)
def test_beside_a_deal_or_an_order_active_and_cancelled_are_about_that(
    beside: str, title: str, values: list[str]
) -> None:
    assert len(mailed(table(title, values, [], beside=beside))) == len(values)


@pytest.mark.parametrize("status", ["unsubscribed", "bounced", "do not contact"])
def test_beside_an_order_a_word_about_mail_still_counts(status: str) -> None:
    text = table("Status", ["completed"], [status], beside="Order ID")
    assert mailed(text) == ["in0@example.com"]


@pytest.mark.parametrize("yes", ["SÌ", "Sì", "sì"])
def test_an_accent_on_yes_tells_the_encoding_and_who_said_no(yes: str) -> None:
    text = f"Nome;E-mail;Consenso marketing\nAnna;ann@example.com;{yes}\nB;bob@example.com;NO\n"
    assert mailed(text, encoding="cp1252") == ["ann@example.com"]


def test_a_spanish_question_is_not_read_as_polish() -> None:
    text = "Nombre;Correo;¿Acepta correos?\nAna;ann@example.com;Si\nBea;bob@example.com;No\n"
    assert mailed(text, encoding="cp1252") == ["ann@example.com"]
    reader = RecipientReader()
    for _ in (*reader.feed(text.encode("cp1252")), *reader.finish()):
        pass
    assert reader.shape is not None
    assert reader.shape.encoding == "cp1252"


@pytest.mark.parametrize("named", ["Zettel", "zettel", "4"])
def test_a_column_that_is_named_says_who_has_opted_out(named: str) -> None:
    text = table("Zettel", ["", "nein", "no"], ["x", "ja", "2024-05-01", "wollte nicht"])
    assert len(mailed(text)) == 7
    assert mailed(text, choices=Choices(opt_out_column=named)) == [
        f"in{i}@example.com" for i in range(3)
    ]


def test_a_column_that_is_named_says_who_has_agreed() -> None:
    text = table("Kringel", ["ja", "x", "2024-05-01"], ["", "nein", "vielleicht"])
    assert mailed(text, choices=Choices(opt_in_column="Kringel")) == [
        f"in{i}@example.com" for i in range(3)
    ]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(opt_out_column="Nope"), "there is no column “Nope”; there are: Name"),
        (Choices(opt_in_column="Email"), "is the column of the addresses"),
        (Choices(opt_in_column="X", opt_out_column="X"), "cannot mean both"),
    ],
)
def test_a_named_column_that_cannot_say_it_is_refused(choices: Choices, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        mailed(table("X", ["no"], ["yes"]), choices=choices)


def test_a_named_column_must_be_there_below_a_header_that_comes_again() -> None:
    text = table("X", ["no"], ["yes"]) + "Email,Name\nlate@example.com,L\n"
    with pytest.raises(InvalidInput, match="there is no column “X”"):
        mailed(text, choices=Choices(opt_out_column="X"))


@pytest.mark.parametrize("name", ["Bo (unsubscribed)", "DO NOT MAIL - Bo", "**DNC** Bo"])
def test_what_a_name_says_of_who_wants_no_mail_counts(name: str) -> None:
    assert mailed(f"Name,Email\nAda (Sales),ada@example.com\n{name},bo@example.com\n") == [
        "ada@example.com"
    ]


def test_a_title_above_people_says_the_same_with_a_remark_in_brackets() -> None:
    text = "Active:\nada@example.com\n\nBounced (hard):\nbo@example.com\n"
    assert mailed(text) == ["ada@example.com"]


def test_a_name_that_says_it_counts_on_every_row_of_that_person() -> None:
    rows = "Ada,ada@example.com\nAda (unsubscribed),ada@example.com\nBo,bo@example.com\n"
    assert mailed(f"Name,Email\n{rows}") == ["bo@example.com"]
