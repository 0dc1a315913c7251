"""Detector of dates of birth, by the words before them."""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Place, TextScan
from monitor.traffic.redaction.word_index import needles

#: Beginnings of the words.
NEEDLES = needles(
    "born birth dob d.o.b geb naissance nacid nacim nascita nato nata nascim urodz ur. synt"
)
OTHER_NEEDLES = needles(
    "né Né föd fød Fød doğum Doğum рожд Рожд родил д. Д. 生年月日 出生 生日 생년월일 الميلاد जन्म"
)
WORD = AnyCase(
    r"\bborn(?: on)?\b|\bd\.?o\.?b\b\.?|(?:date of birth|birth ?-?_?date|birthday)"
    r"|\bgeb(?:oren|\.)?(?: am| op)?|geburts(?:datum|tag)|geboortedatum|\bnée?(?: le)?\b"
    r"|naissance|nacid[oa](?: el)?|nacimiento|nascita|\bnat[oa](?: il)?\b|nascimento"
    r"|nascid[oa](?: em)?"
    r"|urodz(?:enia|on[ya])|\bur\.|\bsyntyn\w{2,3}|syntymä(?:aika|päivä)|född|født"
    r"|födelsedatum|fødselsda\w{1,2}|doğum(?: tarihi?\w{0,2})?"
    r"|рождения|родил(?:ся|ась)|д\.? ?\u0440\.|生年月日|出生日期|出生|生日|생년월일|الميلاد"
    r"|जन्म ?तिथि|जन्म"
)
MONTH = r"[^\W\d_]{3,10}\.?"
DAY = (
    r"(?<![0-9A-Za-z])("
    r"(?:19|20)[0-9]{2}(?P<s>[./-])[01]?[0-9](?P=s)[0-3]?[0-9]"
    r"|[0-3]?[0-9](?P<t>[./-]) ?[0-3]?[0-9](?P=t) ?(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    rf"|[0-3]?[0-9](?:st|nd|rd|th|er|º|\.)?[ -](?:de |of )?{MONTH},?[ -](?:de )?(?:19|20)[0-9]{{2}}"
    r"|(?:昭和|平成|令和|大正)[0-9]{1,2}年[01]?[0-9]月[0-3]?[0-9]日?"
    r"|(?:19|20)[0-9]{2} ?[年년] ?[01]?[0-9] ?[月월] ?[0-3]?[0-9] ?[日일]?"
    r"|(?:19|20)[0-9]{6})(?![0-9])"
)
DATE = re.compile(r"[^0-9?!;]{0,16}?" + DAY)
#: ``am 7.11.1991 in Ulm geboren``: the word is after the date.
BEFORE = re.compile(DAY + r"(?: in [^\W\d_]{2,24})? geboren\b")
#: ``March 12, 1984``: the month is before the first digit.
MONTH_FIRST = re.compile(
    rf"[^0-9?!;]{{0,16}}?\b({MONTH} [0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}})(?![0-9])"
)
DIGIT = re.compile("[0-9]")
#: Characters before a needle at which its word may begin.
REACH = 12


def find_birth_dates(scan: TextScan) -> Iterator[Place]:
    """Yield dates of birth after words that announce them."""
    text = scan.text
    end_of_last = 0
    for place in scan.places_of(NEEDLES, OTHER_NEEDLES):
        if place < end_of_last or not DIGIT.search(text, max(0, place - 48), place + 40):
            continue
        name = WORD.of(scan.cases).search(
            scan.cases.lower, max(end_of_last, place - REACH), place + 24
        )
        match = name and (DATE.match(text, name.end()) or MONTH_FIRST.match(text, name.end()))
        if not match and text.startswith("geboren", place):
            match = BEFORE.search(text, max(end_of_last, place - 48), place + len("geboren"))
        if match:
            end_of_last = match.end()
            yield match.span(1)
