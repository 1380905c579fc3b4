"""The words that programs and people head their columns with, in the languages they write in.

Words only, no rules: what a title makes of a column is decided in `columns`,
`address_columns` and `consent`. All are compared as `comparable` makes them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\da-zA-Z_]+")


@lru_cache(maxsize=4_096)
def comparable(title: str) -> str:
    """A title without case, accents, width, spaces and punctuation."""
    if title.isascii():
        return "".join(filter(str.isalnum, title)).lower()
    plain = unicodedata.normalize("NFKD", title).casefold().translate(_STROKES)
    return "".join(filter(str.isalnum, plain))


# Letters that Unicode does not take apart into a letter and a mark.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "œ": "oe", "æ": "ae"})


def in_order(text: str) -> tuple[str, ...]:
    """Words that are separated by commas, comparable, each once."""
    return tuple(dict.fromkeys(filter(None, map(comparable, text.split(",")))))


def words(text: str) -> frozenset[str]:
    """The same, to look one up in."""
    return frozenset(in_order(text))


def grams(title: str, *, most: int) -> frozenset[str]:
    """The words of a title, and up to `most` neighbours among them joined: opt, in, optin."""
    split = [comparable(word) for word in _WORDS.findall(title)]
    return frozenset(
        "".join(split[start:end])
        for start in range(len(split))
        for end in range(start + 1, min(start + most, len(split)) + 1)
    )


# A column that is plainly the recipient's address, in the order of preference.
_PLAIN_TITLES = in_order(
    "email,email address,your email,your email address,mail,mail address,email id,"
    "primary email,email primary,main email,email 1,e-mail 1 - value,e-mail 1,"
    "email address 1,primary email address,preferred email,email (primary),emails,"
    "email value,emails.value,primary smtp address,smtp address,"
    # de
    "e-mail-adresse,emailadresse,mailadresse,e-mail adresse,mail-adresse,e-post,"
    "elektronische adresse,elektronische postadresse,"
    # fr
    "adresse e-mail,adresse email,adresse mail,adresse de messagerie,courriel,mél,"
    "adresse électronique,adresse courriel,e-mail principal,"
    "adresse e-mail principale,"
    "adresse de courriel,courrier électronique,messagerie,"
    # es
    "correo electrónico,correo,dirección de correo electrónico,correo-e,e-correo,"
    "dirección de correo,dirección de email,dirección e-mail,dirección email,"
    "direccion electronica,correu electrònic,adreça electrònica,"
    # it
    "indirizzo e-mail,indirizzo email,indirizzo mail,posta elettronica,"
    "indirizzo di posta elettronica,indirizzo di posta,"
    # pt
    "correio eletrônico,correio electrónico,endereço de e-mail,endereço de email,"
    "endereço eletrônico,endereço e-mail,endereço de correio eletrônico,"
    # nl, sv, no, da, fi
    "e-mailadres,mailadres,e-mail adres,emailadres,e-postadress,epostadress,epost,"
    "e-postadresse,epostadresse,mejl,mejladress,mailadresse,sähköposti,"
    "sähköpostiosoite,"
    # pl, cs, sk, hu, ro, hr, tr
    "adres e-mail,adres email,adres poczty elektronicznej,poczta elektroniczna,poczta,"
    "adres mailowy,e-mailová adresa,emailová adresa,mailová adresa,"
    "e-mail cím,email cím,e-mail címe,e-mailcím,"
    "emailcím,villámposta,adresă de e-mail,"
    "adresa de e-mail,adresă e-mail,adresa e-mail,"
    "adresa e-pošte,e-pošta,elektronska pošta,"
    "e-posta,eposta,e-posta adresi,eposta adresi,e-posta adres,e-postası,"
    # ru, uk, bg, el, he, ar
    "электронная почта,эл. почта,эл почта,почта,"
    "адрес электронной почты,имейл,емейл,"
    "е-мейл,мейл,e-mail адрес,адрес e-mail,адрес эл. почты,email адрес,"
    "електронна пошта,ел. пошта,пошта,електронна адреса,"
    "електронна поща,имейл адрес,"
    "ηλεκτρονικό ταχυδρομείο,ηλ. ταχυδρομείο,email διεύθυνση,διεύθυνση email,"
    "דואר אלקטרוני,דואל,אימייל,מייל,"
    "البريد الإلكتروني,البريد الالكتروني,بريد إلكتروني,الايميل,الإيميل,"
    # ja, zh, ko, vi, th
    "メール,メールアドレス,電子メール,電子メールアドレス,eメール,eメールアドレス,email アドレス,"
    "e-mailアドレス,mailアドレス,メアド,アドレス,"
    "电子邮件,电子邮箱,邮箱,邮箱地址,电邮,邮件地址,电子邮件地址,邮件,电子信箱,"
    "email地址,email邮箱,e-mail地址,"
    "電子郵件,電子信箱,電郵,信箱,電子郵件地址,電子郵件信箱,郵件地址,郵箱,電郵地址,"
    "이메일,전자우편,메일,이메일 주소,이메일주소,전자메일,"
    "메일주소,메일 주소,전자 메일,전자 메일 주소,"
    "địa chỉ email,thư điện tử,địa chỉ thư điện tử,อีเมล,อีเมล์,ที่อยู่อีเมล"
    ","
)
IS_PLAIN_TITLE = frozenset(_PLAIN_TITLES)
# The recipient's too, as long as no plainer title is there.
ADDRESS_TITLES = _PLAIN_TITLES + in_order(
    "contact email,contact email address,person email,recipient email,recipient email address,"
    "subscriber email,customer email,client email,attendee email,invitee email,guest email,"
    "lead email,member email,participant email,student email,candidate email,user email,"
    "registrant email,respondent email,donor email,patient email,applicant email,"
    "customer email address,login email,username email,billing email,billing email address,"
    "billing address email,email recipient,to email,email to,recipient,recipient address,"
    "subscriber,to address,email username,mailbox,to,address"
)
IS_ADDRESS_TITLE = frozenset(ADDRESS_TITLES)

FULL_NAME_TITLES = words(
    "name,full name,fullname,display name,contact name,recipient name,contact,your name,"
    "first and last name,first & last name,name (original name),customer name,subscriber name,"
    "attendee name,lead name,invitee name,guest name,participant,student name,member name,"
    "person - name,person name,people,"
    "vollständiger name,vor- und nachname,anzeigename,"
    "ansprechpartner,kontakt,kontaktname,"
    "nom complet,nom et prénom,prénom et nom,nom affiché,"
    "nombre completo,nombre y apellidos,"
    "nombre y apellido,nome completo,nome e cognome,nome e sobrenome,volledige naam,naam,"
    "imię i nazwisko,jméno a příjmení,celé jméno,teljes név,"
    "név,nume complet,ad soyad,adı soyadı,"
    "isim soyisim,namn,navn,fullt navn,nimi,koko nimi,"
    "фио,полное имя,имя и фамилия,фамилия имя отчество,"
    "фамилия имя,піб,ονοματεπώνυμο,"
    "氏名,お名前,名前,姓名,名字,全名,お名前(氏名),이름,성명,성함,họ và tên,họ tên,ชื่อ,الاسم,שם מלא"
)
FIRST_NAME_TITLES = words(
    "first name,firstname,first,fname,given name,givenname,"
    "forename,first_name,contact first name,"
    "vorname,rufname,prénom,prenom,primer nombre,nombre,"
    "nombres,nombre de pila,nome,primeiro nome,"
    "voornaam,imię,jméno,křestní jméno,meno,krstné meno,"
    "keresztnév,utónév,prenume,ime,ad,adı,isim,"
    "förnamn,fornavn,etunimi,имя,ім'я,име,όνομα,"
    "名,下の名前,이름(명),tên,first name (given name)"
)
LAST_NAME_TITLES = words(
    "last name,lastname,last,lname,surname,family name,familyname,last_name,contact last name,"
    "nachname,familienname,zuname,nom,nom de famille,"
    "apellido,apellidos,primer apellido,cognome,"
    "sobrenome,apelido,último nome,achternaam,nazwisko,"
    "příjmení,priezvisko,vezetéknév,családnév,"
    "nume de familie,prezime,soyad,soyadı,soyisim,"
    "efternamn,etternavn,efternavn,sukunimi,"
    "фамилия,прізвище,фамилно име,επώνυμο,επίθετο,姓,苗字,名字(姓),성,성(姓),họ"
)

# Somebody else's address: the one who works for, pays for or wrote to the person of the row.
SOMEBODY_ELSE = words(
    "owner,rep,representative,manager,assistant,agent,seller,sender,from,reply,replyto,cc,bcc,"
    "boss,supervisor,assigned,assignee,assignedto,creator,"
    "createdby,modifiedby,updatedby,addedby,"
    "invitedby,inviter,referrer,referredby,referral,"
    "buyer,host,organizer,organiser,collaborator,"
    "interviewer,support,office,parent,mother,father,guardian,emergency,spouse,partner,"
    "accountowner,contactowner,leadowner,dealowner,recordowner,salesrep,accountmanager,vendor,"
    "sponsor,coach,teacher,instructor,advisor,recruiter,author,editor,admin,administrator,"
    "approver,reviewer,caseworker,colleague,staff,employee,"
    "team,company,organization,shop,store,"
    "betreuer,ansprechpartner,vertreter,absender,vorgesetzter,besitzer,inhaber,bearbeiter,"
    "responsable,commercial,propriétaire,expéditeur,"
    "vendeur,gestionnaire,conseiller,"
    "vendedor,propietario,remitente,comercial,gestor,asesor,titolare,proprietario,mittente,"
    "venditore,commerciale,referente,responsabile,"
    "proprietário,remetente,responsável,eigenaar,"
    "afzender,beheerder,verkoper,opiekun,właściciel,"
    "nadawca,handlowiec,przedstawiciel,"
    "менеджер,ответственный,отправитель,владелец,担当者,担当,送信者,差出人,負責人,负责人,业务员,"
    "業務,發件人,发件人,담당자,발신자"
)
# A second address of the same person.
SECOND = words(
    "2,3,4,5,6,7,8,9,second,secondary,other,alternate,alternative,alt,additional,backup,old,"
    "previous,recovery,zweite,weitere,andere,alternativ,alternative,secondaire,autre,autres,"
    "secundario,otro,alternativo,secondario,altro,"
    "secundário,outro,tweede,ander,drugi,inny,"
    "другой,дополнительный,その他,サブ,其他,备用,備用,기타,보조"
)
MAIL_WORDS = (
    *("mail", "courriel", "correo", "messagerie", "epost", "eposta", "posta", "correio", "poczt"),
    *(
        "почт",
        "мейл",
        "пошт",
        "メール",
        "アドレス",
        "邮",
        "郵",
        "信箱",
        "메일",
        "smtp",
        "sahkoposti",
    ),
    *("אימייל", "بريد", "ταχυδρομ", "อีเมล"),
)
MAIL_PARTS = tuple(map(comparable, MAIL_WORDS))

# What stands below the last person.
CLOSING_WORDS = words(
    "total,totals,grand total,sum,subtotal,count,row count,"
    "records,record count,rows,number of rows,"
    "end,eof,end of report,end of file,end of list,end of export,"
    "generated,generated by,exported,"
    "exported on,report generated,summary,summe,gesamt,gesamtsumme,anzahl,ende,insgesamt,somme,"
    "nombre,fin,suma,cuenta,fin del informe,totale,somma,"
    "conteggio,fine,soma,contagem,fim,totaal,"
    "aantal,einde,razem,ogółem,liczba,koniec,итого,"
    "всего,количество,конец,合計,総計,件数,計,"
    "以上,终,合计,总计,共计,總計,합계,총계,총,끝,confidential,copyright"
)

# What programs write for "there is no value".
NO_VALUE = frozenset(
    {"\\N", "NULL", "null", "(null)", "<null>", "[NULL]", "(none)", "(blank)", "<NA>"}
    | {"#N/A", "#N/V", "#NV", "#NAME?", "#REF!", "#VALUE!", "#NULL!", "NaN", "N/A", "n/a"}
    | {"undefined"}
)
