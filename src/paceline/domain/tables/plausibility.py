"""How much a text looks like what people write: for choosing among encodings, nothing else.

A wrong encoding gives itself away by its neighbours: currency signs inside words, capitals after
small letters, Latin accents in a row, ideographs that nobody uses. Each foreign character is
weighed in its place; the mean says how plausible the text is. Measured on names, since a table of
recipients holds little else.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_VOWELS = frozenset("aeiouyäëïöüÿáéíóúýàèìòùâêîôûãõñåæøœąęėįųūāēīōůőűăıěð")
# Letters in the order of how often they stand in people's names, per script.
_USUAL_LATIN = frozenset("éèêëàâäáãåæçíîïñóòôöõøœúùûüßÉÖÜÄÅØÇÁÓÚÑÍÈÀÆ")
_USUAL_CENTRAL = frozenset("łąęśżźćńóŁŚŻŹĆčřšžěáéíýůúťďňČŘŠŽőűöüÁÉÍÓÖőăâîșțşţĂĐđ")
_RARE = frozenset("ÿýÝĺĹŕŔľĽŸÃÕÊËÎÏÌÒÙÛÐ")
_CYRILLIC_USUAL = frozenset("оеаинтсрвлкмдпуяыьгзбчйхжшюёіїєОАЕИСВМКПНДТЁІЇЄ")
_CYRILLIC_RARE = frozenset("ЂЃѓЉЊЌЋЏђљњќћџЎўЈҐЅѕјґ")
_EASTERN = frozenset({"japanese", "chinese", "taiwanese", "korean"})
_ONE_LANGUAGE = 0.15  # what that adds
_LANGUAGES = {
    "latin": tuple(
        map(
            frozenset,
            (
                *("äöüß", "éèêëàâçîïôœùûüÿæ", "áéíñóúü", "áàâãçéêíóôõú", "àèéìòùíó", "éëïöüèáóê"),
                *("æøåéö", "åäöéü", "áðéíóúýþæö", "àçèéíïòóúü"),
            ),
        )
    ),
    "central": tuple(
        map(
            frozenset,
            ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ"),
        )
    ),
    "turkish": (frozenset("çğıi̇öşüâîû"),),
    "baltic": (frozenset("ąčęėįšųūž"), frozenset("āčēģīķļņšūž"), frozenset("õäöüšž")),
}
_USUAL_TURKISH = frozenset("çğıöşüÇĞİÖŞÜ")
_USUAL_BALTIC = frozenset("ąčęėįšųūžāēģīķļņõäöüĄČĘĖĮŠŲŪŽĀĒĢĪĶĻŅÕÄÖÜ")
_USUAL = {
    "latin": _USUAL_LATIN,
    "central": _USUAL_CENTRAL,
    "turkish": _USUAL_TURKISH,
    "baltic": _USUAL_BALTIC,
}
_IN_WORDS = frozenset("’'-‐·")
_AT_EDGES = frozenset("“”„‘‚«»‹›–—…•·®©™€£§°№º\u00a0†‡¿¡×½¼¾²³µ%´¨")


def plausibility(text: str, *, script: str) -> float:
    """The mean weight of the characters beyond ASCII; about 1 is sure, below 0 impossible.

    `script` is "latin", "central", "turkish", "baltic", "cyrillic", "greek", "hebrew", "arabic",
    "thai", "japanese", "chinese", "taiwanese" or "korean".
    """
    foreign = [i for i, c in enumerate(text) if c > "\x7f"]
    if not foreign:
        return 0.0
    padded = f" {text} "
    total = sum(_weight(padded[i], padded[i + 1], padded[i + 2], script=script) for i in foreign)
    return total / len(foreign) + (_ONE_LANGUAGE if _of_one_language(text, script) else 0.0)


def _of_one_language(text: str, script: str) -> bool:
    """Whether some language has all of these letters. Wrong guesses mix Danish with Italian."""
    letters = {c for c in text.lower() if c > "\x7f" and c.isalpha()}
    return bool(letters) and any(letters <= known for known in _LANGUAGES.get(script, ()))


@lru_cache(maxsize=65_536)
def _weight(before: str, c: str, after: str, *, script: str) -> float:
    if c == "\ufffd" or "\ud800" <= c <= "\udfff" or unicodedata.category(c) in ("Cc", "Cn", "Co"):
        return -4.0
    if script in _USUAL:
        return _latin(before, c, after, usual=_USUAL[script])
    if script in _EASTERN:
        return _eastern(before, c, after, script=script)
    return _alphabet(before, c, after, script=script)


def _latin(before: str, c: str, after: str, *, usual: frozenset[str]) -> float:
    if not c.isalpha() or c in "ªº":
        return _sign(before, c, after)
    weight = 0.9 if c in usual else 0.2 if c in _RARE else 0.6
    if c.isupper() and before.islower():
        weight -= 2.5
    if c.islower() and before.isupper() and after.isupper():
        weight -= 1.5
    if c.isupper() and before.isupper() and after.islower():
        weight -= 0.8
    if c.islower() and not before.isalpha() and after.isupper():
        weight -= 1.5  # “żAcepta” is “¿Acepta”
    if before.isdigit() or after.isdigit():
        weight -= 1.2
    if before > "\x7f" and before.isalpha():
        weight -= 0.9
    if after > "\x7f" and after.isalpha():
        weight -= 0.4
    return weight - _hard_to_say(before.lower(), c.lower(), after.lower())


def _hard_to_say(before: str, c: str, after: str) -> float:
    """Consonants among consonants, vowels among vowels."""
    around = [_is_vowel(letter) for letter in (before, after) if letter.isalpha()]
    alike = sum(vowel == _is_vowel(c) for vowel in around)
    return 0.25 * alike if len(around) == 2 else 0.1 * alike


def _is_vowel(letter: str) -> bool:
    return letter in _VOWELS and letter != "ñ"


def _sign(before: str, c: str, after: str) -> float:
    inside = before.isalpha() and after.isalpha()
    if c in _IN_WORDS and inside:
        return 0.8
    if inside or (before.isalpha() and c not in _AT_EDGES):
        return -2.5
    if c in "¿¡«„“‘" and not before.isalnum() and after.isalpha():
        return 0.2
    if (before.isalpha() or after.isalpha()) and c in "£€¥¤¿¡§²³µ½¼¾":
        return -1.5
    return 0.3 if c in _AT_EDGES else -1.0


_RANGES = {
    "cyrillic": ("\u0400", "\u04ff"),
    "greek": ("\u0370", "\u03ff"),
    "hebrew": ("\u0590", "\u05ff"),
    "arabic": ("\u0600", "\u06ff"),
    "thai": ("\u0e00", "\u0e7f"),
}


def _alphabet(before: str, c: str, after: str, *, script: str) -> float:
    first, last = _RANGES[script]
    if not first <= c <= last:
        return _sign(before, c, after) - 0.3
    weight = 0.95
    if script == "cyrillic":
        weight += 0.05 if c in _CYRILLIC_USUAL else -1.2 if c in _CYRILLIC_RARE else -0.25
    if c.islower() and not before.isalpha():
        weight -= 0.6  # names begin with capitals
    if unicodedata.category(c) == "Mn" and script != "thai":
        weight -= 1.0
    if c.isupper() and before.islower():
        weight -= 2.5
    if c.islower() and before.isupper() and after.isupper():
        weight -= 1.5
    if (before.isalpha() and before < first) or (after.isalpha() and after < first):
        weight -= 2.0
    if not (first <= before <= last or first <= after <= last):
        weight -= 0.8  # a letter alone: a Latin accent, more likely
    return weight


def _eastern(before: str, c: str, after: str, *, script: str) -> float:
    if "\uff61" <= c <= "\uff9f":  # half-width katakana: what wrong guesses are full of
        return -0.5
    if "\u3000" <= c <= "\u3003" or "\uff01" <= c <= "\uff5e" or c in "・「」（）【】":
        return 0.6
    beside = sum(letter.isascii() and letter.isalpha() for letter in (before, after))
    return _letter(c, script=script) - 1.2 * beside


def _letter(c: str, *, script: str) -> float:
    if "\u3041" <= c <= "\u30ff":
        return 1.1 if script == "japanese" else -0.8
    if "\uac00" <= c <= "\ud7a3":
        return 1.1 if script == "korean" else -1.0
    return _ideograph(c, script=script) if "\u4e00" <= c <= "\u9fff" else -1.0


def _ideograph(c: str, *, script: str) -> float:
    """The codes put usual characters first: the first level of each standard is their list."""
    if c in _COMMON:
        return 1.1
    if script == "korean":
        return -0.3
    codec, first, last = _FIRST_LEVEL[script]
    try:
        code = int.from_bytes(c.encode(codec), "big")
    except UnicodeEncodeError:
        return -0.6
    return 0.7 if first <= code <= last else -0.2


_FIRST_LEVEL = {
    "japanese": ("euc-jp", 0xB0A1, 0xCFFE),
    "chinese": ("gb2312", 0xB0A1, 0xD7FE),
    "taiwanese": ("big5", 0xA440, 0xC67E),
}
# Of names, titles of columns and places: the ideographs that a table of people is full of.
_COMMON = frozenset(
    "姓名电子邮件箱手机电话地址公司部门职位备注日期城市国家省是否退订订阅同意状态性别年龄先生女士编号"
    "姓名電子郵件箱手機電話地址公司部門職位備註日期城市國家縣是否退訂訂閱同意狀態性別年齡先生女士編號"
    "氏名前会社部署役職住所電話番号備考日付同意希望配信停止可不様都道府県市区町村男女有無"
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許呂蘇盧蔣賈葉閻餘潘杜戴夏鍾汪田任姜范方石姚譚廖鄒熊金陸郝孔白崔康毛邱"
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英华玉红梅建国志文海春云晓小雪婷宇浩然欣佳怡思雨子涵"
    "偉靜麗強軍勇艷傑濤蘭剛華紅國雲曉豪雅淑惠美玲宜君家俊宏志雄信義"
    "佐藤鈴木高橋田中伊藤渡辺山本中村小林加藤吉田山田佐々木山口松本井上木村林斎清水山崎森池橋阿部石川前"
    "藤田小川岡後長谷村近坂遠青西福三太一郎次子美恵真由健大和翔太陽菜花子奈優愛幸介輔樹直哉裕之誠隆"
    "東京大阪名古屋北海道台北高雄新竹上海北京广州深圳杭州南京成都香港中国日本台灣"
    "的了不在人有我他这个们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于"
)
