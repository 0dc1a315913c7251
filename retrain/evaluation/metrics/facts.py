"""Figures and dates of a text, in digits or in words, in five languages."""

# ruff: noqa: E501, ISC004, RUF001 - long expressions; lists of words; Chinese numerals

import re
import unicodedata
from itertools import combinations
from typing import NamedTuple

_WORDS: dict[str, float] = {}
for _names in (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty",
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn zwanzig",
    "zéro - deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf vingt",
    "cero - dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciséis diecisiete dieciocho diecinueve veinte",
):
    _WORDS |= {word: float(n) for n, word in enumerate(_names.split()) if word != "-"}
_WORDS |= {
    word: value * 10.0
    for row in (
        "- - twenty thirty forty fifty sixty seventy eighty ninety hundred",
        "- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
        "- - vingt trente quarante cinquante soixante soixante-dix quatre-vingts - cent",
        "- - veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien",
    )
    for value, word in enumerate(row.split())
    if word != "-"
}
_WORDS |= {"fourteen": 14.0, "noon": 12.0, "midday": 12.0, "dozen": 12.0, "twice": 2.0}
# "once" and "sept" are words of other languages too.
for _word in ("one", "eins", "once", "sept"):
    del _WORDS[_word]
_MONTHS = (
    "january|januar|janvier|enero",
    "february|februar|février|febrero",
    "march|märz|mars|marzo",
    "april|avril|abril",
    "may|mai|mayo",
    "june|juni|juin|junio",
    "july|juli|juillet|julio",
    "august|août|agosto",
    "september|septembre|septiembre",
    "october|oktober|octobre|octubre",
    "november|novembre|noviembre",
    "december|dezember|décembre|diciembre",
)
MONTHS = {name: n for n, names in enumerate(_MONTHS, start=1) for name in names.split("|")}
_DIGITS = "〇一二三四五六七八九"
_NUMBER = re.compile(r"(?<![\w.,])\d(?:[\d,'\u00a0\u202f]*\d)?(?:\.\d+)?(?![\d])|\d+(?:[.,]\d+)*")
_CHINESE = re.compile("[〇零一二两三四五六七八九十百千万]{1,9}")
_DAY = r"(\d{1,2})(?:st|nd|rd|th|er|\.|º)?"
_NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
_WRITTEN_DATE = re.compile(
    rf"(?:{_DAY}\s*(?:to|until|and|au|et|bis|und|al|y|-|–|,)\s*(?:the |el |le )?)?{_DAY}\s+(?:of |de )?({_NAME})\b"
    rf"|\b({_NAME}) {_DAY}(?!\d)|(\d{{1,2}})月(\d{{1,2}})[日号]|(\d{{4}})-(\d{{2}})-(\d{{2}})"
    r"|\b(\d{1,2})\.(\d{1,2})\.(\d{2,4})?(?!\d)"
)
_LONE_MONTH = re.compile(rf"(?<!\w)({_NAME})(?!\w)")
_DERIVES = re.compile(
    r"\b(?:together|total|altogether|in all|sum|makes?|leaving|leaves|thus|so|hence|that is|i\.e|half"
    r"|twice|double|difference|left|remain\w*|the rest|combined|longer|shorter|cheaper|per (?:year|month|week)|how much would"
    r"|average|percent of|insgesamt|übrig|bleib\w+|differenz|länger|durchschnitt\w*|reste\w*|différence"
    r"|queda\w*|diferencia|en total|restan|剩|相差|insgesamt|zusammen|ergeben|ergibt|macht|also|gesamt|somit|soit|total"
    r"|ensemble|donc|font|en todo|suma|sumando|juntos|así que|por tanto|es decir|reduce)\b|=|共|合计|总共|一共|因此"
    r"|所以|即"
)


_HOURS = {
    unit: hours
    for hours, units in (
        (1 / 60, "minute|minuten|minutes|minuto|minutos|mins|min|分钟"),
        (1, "hour|hours|stunde|stunden|heure|heures|hora|horas|小时|个小时"),
        (24, "day|days|tag|tage|tagen|jour|jours|día|días|天|日"),
        (168, "week|weeks|woche|wochen|semaine|semaines|semana|semanas|周|星期"),
        (336, "fortnight|quinzaine|quincena"),
        (730, "month|months|monat|monate|monaten|mois|mes|meses|个月|月"),
        (2190, "quarter|quartal|trimestre"),
        (8760, "year|years|jahr|jahre|jahren|an|ans|année|années|año|años|年"),
    )
    for unit in units.split("|")
}
_UNITS = "|".join(sorted(_HOURS, key=len, reverse=True))
_DURATION = re.compile(
    rf"(\d[\d.,]*|[〇零一二两三四五六七八九十百]+|\b[^\W\d_]+)(?:[\s\u00a0-]+|(?<=[\d一-龥]))({_UNITS})(?![a-zà-ÿ])"
)
_HALF_HOUR = re.compile(r"half (?:an|a) hour|halbe stunde|demi-heure|media hora|半(?:个)?小时")
_CLOCK = re.compile(
    r"\b(\d{1,2})(?:[:.h]\d\d)?\s?(?:(?:a|p)\.?m\b|uhr|h\b|heures|点|o'clock|:)|\b(?:at|um|à|a las) (\d{1,2})\b"
)


class Date(NamedTuple):
    """A day of a month; day 0: the month alone."""

    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.month}-{self.day}" if self.day else f"month {self.month}"


def figures(text: str) -> set[float]:
    """Return the figures of a text, in digits or words, without one and without days of dates."""
    folded = _WRITTEN_DATE.sub(
        lambda match: f" {match.group(8) or match.group(13) or ''} ", _fold(text)
    )
    matches = {value for match in _NUMBER.finditer(folded) for value in _amounts(match.group())}
    for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", folded):
        for part in (word, *word.split("-")):
            if part in _WORDS:
                matches.add(_WORDS[part])
    matches |= {
        value for match in _CHINESE.finditer(folded) if (value := _chinese(match.group())) > 1
    }
    return matches - {1.0}


def dates(text: str) -> set[Date]:
    """Return the days and months of a text."""
    folded = _fold(text)
    folded = _CHINESE.sub(lambda match: f"{_chinese(match.group()):g}", folded)
    matches: set[Date] = set()
    for match in _WRITTEN_DATE.finditer(folded):
        early, day, name, name_first, day_after, zh_month, zh_day, _, m, d, dd, mm, _ = (
            match.groups()
        )
        if name:
            matches |= {Date(MONTHS[name], int(n)) for n in (early, day) if n}
        elif name_first:
            matches.add(Date(MONTHS[name_first], int(day_after)))
        elif zh_month:
            matches.add(Date(int(zh_month), int(zh_day)))
        elif m:
            matches.add(Date(int(m), int(d)))
        elif mm and 1 <= int(mm) <= 12:
            matches.add(Date(int(mm), int(dd)))
    for name in _LONE_MONTH.findall(folded):
        # "may" is a verb, "mars" a planet.
        if name not in ("may", "mars", "march") or re.search(
            rf"(?:in|of|from|until|by|en|du|de) {name.capitalize()}\b|\d {name}",
            unicodedata.normalize("NFKC", text),
            re.IGNORECASE if name == "mars" else 0,
        ):
            matches.add(Date(MONTHS[name], 0))
    matches |= {Date(date.month, 0) for date in matches}
    return matches


def contains_derivation(text: str) -> bool:
    """Return whether a text calculates, so that it may have figures of its own."""
    return _DERIVES.search(_fold(text)) is not None


def derivable(figure: float, claim: str, source: str, *, free: bool) -> bool:
    """Return whether a figure of a claim follows from the source's.

    Durations in another unit and times of the other clock always may; sums, differences and
    products only where ``free``.
    """
    spans = _durations(source)
    if any(value == figure and _alike(span, spans) for value, span in _durations(claim).items()):
        return True
    if figure in _times(claim) and _times(source) & {figure - 12, figure + 12}:
        return True
    if not free:
        return False
    values = [*figures(source), *(value for value in figures(claim) if value != figure)]
    for first, second in combinations(values, 2):
        product = first * second
        candidates = {first + second, abs(first - second), product, product / 100}
        candidates |= {abs(value - product / 100) for value in (first, second)}
        candidates |= {value + product / 100 for value in (first, second)}
        if first and second:
            candidates |= {
                100 * first / second,
                100 * second / first,
                first / second,
                second / first,
            }
        if any(_near(figure, value) for value in candidates):
            return True
    halves = {half for value in values for half in (value / 2, value * 2)}
    return _near(figure, sum(values)) or figure in halves


def _durations(text: str) -> dict[float, float]:
    """Return the length in hours of each figure with a unit of time."""
    matches: dict[float, float] = {}
    for match in _DURATION.finditer(_fold(text)):
        token, unit = match.groups()
        values = (
            _amounts(token) if token[0].isdigit() else {_WORDS.get(token, _chinese_or_one(token))}
        )
        matches |= {value: value * _HOURS[unit] for value in values}
    if _HALF_HOUR.search(_fold(text)):
        matches[30.0] = 0.5
    return matches


def _alike(span: float, spans: dict[float, float]) -> bool:
    return any(abs(span - other) <= 0.04 * other for other in spans.values())


def _times(text: str) -> set[float]:
    return {float(before or after) for before, after in _CLOCK.findall(_fold(text))}


def _chinese_or_one(token: str) -> float:
    return _chinese(token) if _CHINESE.fullmatch(token) else 1.0


def neighbours(text: str) -> dict[float, frozenset[str]]:
    """Return the stem of the word after each figure, such as a unit or a counted noun."""
    matches: dict[float, set[str]] = {}
    folded = _fold(text)
    pattern = re.compile(r"(?<![\w.,-])(\d(?:[\d.,]*\d)?|[^\W\d_]+)(?=[\s\u00a0-]+([^\W\d_]{3,}))")
    for match in pattern.finditer(folded):
        token, word = match.groups()
        values = (
            _amounts(token) if token[0].isdigit() else {_WORDS[token]} if token in _WORDS else set()
        )
        for value in values:
            if word not in MONTHS:
                matches.setdefault(value, set()).add(word[:5])
    return {value: frozenset(words) for value, words in matches.items() if value != 1}


def _amounts(number: str) -> set[float]:
    number = re.sub("['\u00a0\u202f]", "", number).strip(".,")
    if (
        number.count(".") > 1
        and number.count(",") == 0
        and any(len(p) != 3 for p in number.split(".")[1:])
    ):
        return {float(part) for part in number.split(".") if part}
    place = max(number.rfind("."), number.rfind(","))
    if place >= 0 and len(number) - place - 1 == 3:
        place = -1
    whole = re.sub("[.,]", "", number if place < 0 else number[:place]) or "0"
    fraction = "" if place < 0 else re.sub("[.,]", "", number[place + 1 :])
    try:
        return {float(f"{whole}.{fraction}" if fraction else whole)}
    except ValueError:
        return set()


def _chinese(number: str) -> float:
    total = section = digit = 0
    if not any(unit in number for unit in "十百千万"):
        digits = "".join(
            str(_DIGITS.replace("〇", "零").find(c) if c != "两" else 2) if c != "零" else "0"
            for c in number.replace("〇", "零")
        )
        return float(digits)
    for character in number:
        if character in "〇零":
            digit = 0
        elif character in "十百千":
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        elif character == "万":
            total += (section + digit or 1) * 10_000
            section = digit = 0
        else:
            digit = 2 if character == "两" else _DIGITS.index(character)
    if digit and number[-2:-1] in "百千万" and number[-2:-1]:
        # "三千六" is 3600.
        digit *= {"百": 10, "千": 100, "万": 1000}[number[-2]]
    return float(total + section + digit)


def _near(a: float, b: float) -> bool:
    return abs(a - b) < 1e-6 * max(1.0, abs(a))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
