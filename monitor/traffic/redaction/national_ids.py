"""Detector of national identity, tax and insurance numbers, passports and driving licences.

A number is one where its form and check digits say so; where others share them too often, only
near a word that names it.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from operator import mul

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import (
    MAX_HEADER_CHARACTERS,
    TABLE_CHARACTERS,
    Place,
    TextScan,
    words_near,
)
from monitor.traffic.redaction.word_index import WordIndex, needles

#: Characters before a number, and after it, that may name its kind.
CHARACTERS_BEFORE = 80
CHARACTERS_AFTER = 32

BEGIN = r"(?<![A-Za-z0-9_])(?<![0-9][.:/-])"
END = r"(?![A-Za-z0-9_])(?![.:/-][0-9])"
AT_END = re.compile(END)
#: A form that begins with a digit.
DIGIT_FIRST = re.compile(r"(?:\(\?<!\[0-9\] \)|\(\?:)?\[?[0-9]")
NO_SEPARATORS = str.maketrans("", "", " ./")
NEVER = AnyCase(r"(?!)")
#: Longest name that must be a word of its own.
MAX_WORD = 4


@dataclass(frozen=True)
class Total:
    """Sum of the digits, each by its weight, whose remainder is one of a few."""

    weights: tuple[int, ...]
    modulus: int
    remainders: tuple[int, ...] = (0,)

    def is_right(self, number: str) -> bool:
        """Return whether the check digits of a number may be right."""
        digits = map(int, filter(str.isdigit, number))
        return sum(map(mul, self.weights, digits)) % self.modulus in self.remainders


@dataclass(frozen=True)
class NationalId:
    """A kind of number."""

    #: Its form.
    pattern: re.Pattern[str]
    #: The module of python-stdnum that checks its digits; empty: none, or a function here.
    module: str = ""
    #: What names it; needed nearby where it is not ``None``.
    words: AnyCase | None = None
    #: Returns whether the digits are right; in place of the module.
    check: Callable[[str], bool] | None = None
    #: Lower-case parts of the words, of which the text has one at least.
    first_words: tuple[str, ...] = ()
    #: The words, also as parts of others.
    literals: AnyCase = NEVER
    #: The pattern without its bounds.
    form: str = ""
    #: What the digits must add up to; looked at before the module, which takes ten times as long.
    total: Total | None = None

    def is_valid(self, number: str) -> bool:
        """Return whether the check digits, and dates in the number, are right."""
        if self.check is not None:
            return self.check(number)
        if not self.module:
            return True
        if self.total is not None and not self.total.is_right(number):
            return False
        check = _stdnum(self.module).is_valid
        compact = number.translate(NO_SEPARATORS)
        return bool(check(compact) or ("-" in compact and check(compact.replace("-", ""))))


def find_national_ids(scan: TextScan, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield numbers of digits only.

    ``windows`` are where the text has seven digits or more in a row, separators aside.
    """
    if not windows:
        return
    text = scan.text
    end_of_header = text.find("\n", 0, MAX_HEADER_CHARACTERS)
    index, kinds_of = _index()
    names = [
        (place, kind)
        for place, word in scan.places_by(index)
        for kind in kinds_of[word]
        if place < end_of_header
        or NAMED[kind].literals.of(scan.cases).match(scan.cases.lower, place)
    ]
    header = bisect_left(names, (end_of_header,))
    for first, last in windows:
        beyond = last + 2  # an X may be the check digit
        if ANY_FORM.search(text, first, beyond):
            for kind, start, end in _matches(ANY_FORM, text, first, beyond):
                if _is_number(BY_FORM[kind], text, start, end, beyond):
                    yield start, end
        if not names:
            continue
        near = names[
            bisect_left(names, (first - CHARACTERS_BEFORE,)) : bisect_left(
                names, (last + 2 + CHARACTERS_AFTER,)
            )
        ]
        if first <= TABLE_CHARACTERS:
            near += names[:header]
        for kind in {kind for _, kind in near}:
            for match in NAMED[kind].pattern.finditer(text, first, beyond):
                if _is_number(NAMED[kind], text, *match.span(), beyond):
                    yield match.span()


@cache
def _index() -> tuple[WordIndex, dict[bytes, list[int]]]:
    """Return the index of what names begin with; and word -> places in ``NAMED`` of its kinds."""
    kinds_of: dict[bytes, list[int]] = {}
    for place, kind in enumerate(NAMED):
        for word in kind.first_words:
            for form in _spellings(word):
                kinds_of.setdefault(form, []).append(place)
    return WordIndex(kinds_of), kinds_of


def _spellings(word: str) -> set[bytes]:
    """Return what stands for a word in a text of which only ASCII is in lower case.

    Patterns that ignore case take a dotted or dotless i for any other.
    """
    forms = {word, word.upper(), word.capitalize()}
    forms |= {form.replace("i", other) for form in tuple(forms) for other in "\u0130\u0131"}
    return {form.encode().lower() for form in forms}


def names_an_id(words: str) -> bool:
    """Return whether words name a national id of digits."""
    return any(kind.words is not None and kind.words.is_in(words) for kind in NAMED)


def alphanumeric_candidates(scan: TextScan) -> list[Place]:
    """Return ascending places, one of which is in each number with alphabetic characters."""
    places = {place for place in scan.tokens_with_digits() if place[1] - place[0] <= MAX_TOKEN}
    if scan.has_six_digits:
        places.update(_near_six_digits(scan.classes, scan.joined_classes(b" -")))
    return sorted(places)


def find_alphanumeric_ids(scan: TextScan, candidates: Iterable[Place]) -> Collection[Place]:
    """Return numbers with alphabetic characters at the candidates."""
    text = scan.text
    windows = [(max(0, a - REACH), min(len(text), b + REACH)) for a, b in candidates]
    spans: set[Place] = set()
    checked: set[tuple[int, int, int]] = set()
    for first, last in _with_match(ANY_ALPHANUMERIC, text, windows):
        for match in _matches(ANY_ALPHANUMERIC, text, first, last):
            kind, start, end = match
            if match not in checked and _is_number(ALPHANUMERIC[kind], text, start, end, last):
                spans.add((start, end))
            checked.add(match)
    return spans


def _near_six_digits(classes: bytes, joined: bytes) -> Iterator[Place]:
    """Yield where six digits may be those of an alphanumeric number without a mixed token."""
    may_be_pairs = PAIRS in joined
    if (
        may_be_pairs
        or b"00 000 000" in classes
        or (b"000000" in classes and any(map(classes.__contains__, AFTER_SIX_DIGITS)))
    ):
        near = NEAR_PAIRS if may_be_pairs else NEAR_SIX_DIGITS
        for match in near.finditer(classes):
            yield match.span()


def find_named_documents(scan: TextScan) -> Iterator[Place]:
    """Yield numbers of passports and driving licences after their names."""
    text = scan.text
    for place in scan.places_of(NEEDLES, OTHER_NEEDLES):
        name = DOCUMENT.match(text, place)
        match = name and DOCUMENT_NUMBER.match(text, name.end())
        if match and len(match[1]) >= 6 and sum(map(str.isdigit, match[1])) >= 3:
            yield match.span(1)


def _with_match(pattern: re.Pattern[str], text: str, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield those of ascending windows that may have a match; what they share is searched once."""
    end = start_of_next = -1
    for number, (first, last) in enumerate(windows):
        if end < last:  # of all windows that overlap
            end = last
            following = number + 1
            while following < len(windows) and windows[following][0] <= end:
                end = max(end, windows[following][1])
                following += 1
            start_of_next = -1
        if start_of_next < first:
            match = pattern.search(text, first, end)
            start_of_next = match.start() if match else end
        if start_of_next < last:
            yield first, last


def _matches(
    forms: re.Pattern[str], text: str, first: int, last: int
) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each form of :func:`_any_of` that matches, and where."""
    free = [0] * forms.groups  # matches of one form don't overlap
    for match in forms.finditer(text, first, last):
        for kind, (start, end) in enumerate(match.regs[1:]):
            if start >= free[kind]:
                free[kind] = end
                yield kind, start, end


def _is_number(kind: NationalId, text: str, start: int, end: int, last: int) -> bool:
    """Return whether what has the form of a kind is one, in a window that ends at ``last``."""
    if end + 2 > last and not AT_END.match(text[end : end + 2]):
        return False
    if kind.words is not None:
        nearby = words_near(text, start, end, CHARACTERS_BEFORE, CHARACTERS_AFTER)
        if not kind.words.is_in(nearby):
            return False
    return kind.is_valid(text[start:end])


@cache
def _stdnum(name: str):  # type: ignore[no-untyped-def]
    return import_module(f"stdnum.{name}")


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdigit()]


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _is_german_insurance(number: str) -> bool:
    """Check a number of the German pension insurance (VKVV, section 2)."""
    compact = re.sub(r"[^0-9A-Z]", "", number.upper())
    initial = ord(compact[8]) - ord("A") + 1
    values = _digits(f"{compact[:8]}{initial:02d}{compact[9:11]}")
    factors = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(f * v, 10)) for f, v in zip(factors, values, strict=True))
    day = int(compact[2:4])
    is_born = _is_date(1904, int(compact[4:6]), day if day <= 31 else day - 50)  # 1904: a leap year
    return is_born and total % 10 == int(compact[11])


def _is_chinese(number: str) -> bool:
    """Check a number of a Chinese resident."""
    try:
        return bool(_stdnum("cn.ric").is_valid(number))
    except KeyError:  # all is right but the county: that of Taiwan and others is in no list
        return True


def _is_japanese(number: str) -> bool:
    """Check a number of a Japanese resident (Order 85 of 2014, article 5)."""
    digits = _digits(number)
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(w * d for w, d in zip(weights, digits, strict=False)) % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def _is_russian_insurance(number: str) -> bool:
    """Check a number of the Russian pension fund (SNILS)."""
    digits = _digits(number)
    total = sum((9 - i) * digit for i, digit in enumerate(digits[:9]))
    return total % 101 % 100 == 10 * digits[9] + digits[10]


def _is_danish(number: str) -> bool:
    """Check the day and month of a Danish number: newer ones have no check digit."""
    digits = "".join(map(str, _digits(number)))
    return _is_date(1904, int(digits[2:4]), int(digits[:2]))


def _number(
    form: str,
    module: str = "",
    names: str = "",
    check: Callable[[str], bool] | None = None,
    total: Total | None = None,
) -> NationalId:
    """Return a kind.

    ``form`` is without its ends. One of ``names`` must be near, with ``_`` for a space; short ones
    are whole words.
    """
    literals = tuple(name.replace("_", " ") for name in names.split())
    pattern = re.compile(_bounded(form))
    words = AnyCase("|".join(map(_name, literals))) if literals else None
    first_words = tuple(dict.fromkeys(name.split()[0] for name in literals))
    parts = AnyCase("|".join(map(_literal, literals))) if literals else NEVER
    return NationalId(pattern, module, words, check, first_words, parts, form, total)


def _bounded(form: str) -> str:
    return f"{BEGIN}(?:{form}){END}"


def _any_of(kinds: Sequence[NationalId]) -> re.Pattern[str]:
    """Return the pattern of the places at which one of the forms begins, each form as a group.

    Their bounds are tried once, and of the forms only those that begin as the text does.
    """
    digits = [f"(?:{kind.form})" for kind in kinds if DIGIT_FIRST.match(kind.form)]
    alphabetic = [f"(?:{kind.form})" for kind in kinds if not DIGIT_FIRST.match(kind.form)]
    groups = [
        f"(?={first})(?:{'|'.join(forms)})"
        for first, forms in (("[0-9]", digits), ("[A-Za-z]", alphabetic))
        if forms
    ]
    each = (f"(?:(?=({kind.form}){END})|)" for kind in kinds)
    return re.compile(rf"{BEGIN}(?=(?:{'|'.join(groups)}){END}){''.join(each)}")


def _name(literal: str) -> str:
    is_word = len(literal) <= MAX_WORD and literal < "\u2e80"  # scripts with spaces
    escaped = _literal(literal)
    return rf"(?<![^\W_]){escaped}(?![^\W_])" if is_word else escaped


def _literal(name: str) -> str:
    return re.escape(name).replace(r"\ ", r"[\s_-]?")


def _loose(n: int) -> str:
    """Return the form of n digits with up to two separators between any of them."""
    return rf"[0-9](?:[ ./-]{{0,2}}[0-9]){{{n - 1}}}"


#: Of the centuries before and after 2000, when a 2 stands in front.
BELGIAN = Total(tuple(10**n % 97 for n in (*range(8, -1, -1), 1, 0)), 97, (0, -2 * 10**9 % 97))
POLISH = Total((1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10)
NORWEGIAN = Total((3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11)
KOREAN = Total((2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5, 1), 11, (0, 1))
#: A sum of 10 is written as 1.
ROMANIAN = Total((2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9, -1), 11, (0, 9))

OF_DIGITS = (
    _number(r"9[0-9]{2}-[0-9]{2}-[0-9]{4}", "us.itin"),
    _number(_loose(9), "us.itin", "itin"),
    _number(_loose(10), "gb.nhs", "nhs"),
    _number(_loose(11), "de.idnr", "idnr tin tax_id tax_no tax_num steuer"),
    _number(r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir"),
    _number(
        r"[12](?:[ ./-]{0,3}[0-9]){14}",
        "fr.nir",
        "sécu securite_sociale sécurité_sociale nir insee immatriculation",
    ),
    _number(_loose(9), "nl.bsn", "bsn burgerservice sofi sofinr sofinummer"),
    _number(
        r"[0-9]{2}[.-]?[0-9]{2}[.-]?[0-9]{2}[ -]?[0-9]{3}[.-]?[0-9]{2}", "be.nn", total=BELGIAN
    ),
    _number(_loose(9), "pt.nif", "nif contribuinte fiscal"),
    _number("[0-9]{6} ?[0-9]{5}", "pl.pesel", total=POLISH),
    _number(_loose(11), "pl.pesel", "pesel pesle", total=POLISH),
    _number(r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", "se.personnummer"),
    _number(r"(?:19|20)?[0-9]{6} ?[0-9]{4}", "se.personnummer", "personn person_n pnr"),
    _number(r"[0-9]{6}-[0-9]{4}", check=_is_danish),
    _number(r"[0-9]{6} ?[0-9]{4}", names="cpr personn", check=_is_danish),
    _number(r"[0-9]{6} ?[0-9]{5}", "no.fodselsnummer", total=NORWEGIAN),
    _number(_loose(11), "no.fodselsnummer", "fødselsn fodselsn personn", total=NORWEGIAN),
    _number(r"756[. -]?[0-9]{4}[. -]?[0-9]{4}[. -]?[0-9]{2}", "ch.ssn"),
    _number(
        _loose(10),
        "at.vnr",
        "svnr sv-nummer sv_nummer svnummer vsnr sozialvers versicherungsn vers.-nr vnr e-card",
    ),
    _number(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf"),
    _number(_loose(11), "br.cpf", "cpf"),
    _number(
        r"(?<![0-9] )[2-9][0-9]{3}(?: [0-9]{4} [0-9]{4}|-[0-9]{4}-[0-9]{4})(?! ?[0-9])",
        "in_.aadhaar",
    ),
    _number(_loose(12), "in_.aadhaar", "aadhaar aadhar uidai uid आधार"),
    _number("[0-9]{17}[0-9Xx]", check=_is_chinese),
    _number("[1-8][0-9]{5} ?(?:19|20)[0-9]{6} ?[0-9]{3}[0-9Xx]", names="身份证 身份證"),
    _number(_loose(12), "", "マイナンバー 個人番号 my_number mynumber", _is_japanese),
    _number(r"[0-9]{6}-[0-9]{7}", "kr.rrn", total=KOREAN),
    _number(_loose(13), "kr.rrn", "주민 rrn resident_reg", total=KOREAN),
    _number(_loose(9), "au.tfn", "tfn tax_file tax_flie 税号"),
    _number(_loose(9), "ca.sin", "sin social_ins nas assurance_sociale"),
    _number(_loose(11), "tr.tckimlik", "kimlik tckn t.c tc"),
    _number(r"[0-9]{3}-[0-9]{3}-[0-9]{3}[ -][0-9]{2}", check=_is_russian_insurance),
    _number(_loose(11), "", "снилс snils", _is_russian_insurance),
    _number(_loose(12), "ru.inn", "инн inn"),
    _number(r"[0-9]{6}/[0-9]{4}", "cz.rc"),
    _number("[1-8][0-9]{12}", "ro.cnp", total=ROMANIAN),
    _number(_loose(11), "gr.amka", "αμκα amka"),
)

BY_FORM = tuple(kind for kind in OF_DIGITS if kind.words is None)
NAMED = tuple(kind for kind in OF_DIGITS if kind.words is not None)
#: A quick look: none of the forms is in most windows.
ANY_FORM = _any_of(BY_FORM)

ALPHANUMERIC = (
    _number(
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?"
        r"[0-9]{2} ?[A-D]"
    ),
    _number(
        r"[A-Za-z]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[A-Da-d]",
        names="national_insurance nino ni nin",
    ),
    _number(
        r"[A-Za-z]{3} ?[A-Za-z]{3} ?[0-9LMNPQRSTUV]{2}[A-Za-z][0-9LMNPQRSTUV]{2} ?[A-Za-z]"
        r"[0-9LMNPQRSTUV]{3}[A-Za-z]",
        "it.codicefiscale",
    ),
    _number(r"[0-9]{2}[ -]?[0-9]{6}[ -]?[A-Za-z][ -]?[0-9]{3}", check=_is_german_insurance),
    _number(r"[0-9]{8}[ -]?[A-Za-z]|[0-9]{2}\.[0-9]{3}\.[0-9]{3}-?[A-Za-z]", "es.dni"),
    _number(r"[XYZxyz][ -]?[0-9]{7}[ -]?[A-Za-z]", "es.nie"),
    _number(r"[0-9]{6}[-+ABCDEFUVWXY][0-9]{3}[0-9A-Za-z]", "fi.hetu"),
    _number(r"[0-9]{7}[ -]?[A-Wa-w][A-IWTXa-iwtx]?", "ie.pps"),
    _number(r"[A-Za-z]{5}[ -]?[0-9]{4}[ -]?[A-Za-z]", "in_.pan"),
    _number(r"[A-Za-z]{5}[ -]?[0-9]{4}[ -]?[A-Za-z]", names="pan पैन"),
    _number(r"[12] ?[0-9]{2} ?[0-9]{2} ?2[AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", "fr.nir"),
)
ANY_ALPHANUMERIC = _any_of(ALPHANUMERIC)

#: No token of an alphanumeric number is longer.
MAX_TOKEN = 16
#: What follows six digits in a row, in :attr:`TextScan.classes`.
AFTER_SIX_DIGITS = (b"000000a", b"000000 a", b"000000 000")
#: A part of each number that has six digits and no token of alphabetic characters and digits.
NEAR_SIX_DIGITS = re.compile(rb"0(?:00000 ?(?:a|000)|0 000 000)")
NEAR_PAIRS = re.compile(rb"0(?:00000 ?(?:a|000)|0 000 000| ?00 ?00 ?a)")
#: A number with digits in pairs, without separators.
PAIRS = b"aa000000a"
#: Alphabetic characters of a number stand so close to its digits.
REACH = 10
#: Beginnings of the names of documents.
NEEDLES = needles(
    "passp reisepass passe passa pasap pasz passnum passnr driv permis licencia carn"
    " patente rijbewijs"
    " carta prawo prawa ehliyet"
)
OTHER_NEEDLES = needles(
    "führerschein Führerschein körkort Körkort sürücü паспорт Паспорт водит Водит"
    " 护照 護照 パスポート 旅券 여권"
    " 驾驶 驾照 運転 운전 جواز رخصة पासपोर्ट ड्राइविंग"
)
#: Names of a passport or a driving licence.
DOCUMENT = re.compile(
    r"passport|reisepass|passeport|pasaporte|passaporto|passaporte|paspoort|paszport\w*|\bpass"
    r"(?:nummer|nr)|pasaport|паспорт\w*|护照|護照|パスポート|旅券|여권|جواز السفر|جواز سفر|पासपोर्ट"
    r"|driv(?:er|ing)[\W_]{0,2}s?[\W_]?(?:licen[cs]e|number)|(?<![a-z])dl(?![a-z])"
    r"|führerschein\w*|permis de conduire"
    r"|(?:licencia|carn[eé]|permiso) de (?:conducir|conducci[oó]n)|patente(?: di guida)?"
    r"|rijbewijs\w*"
    r"|carta de condução|prawo jazdy|prawa jazdy|körkort\w*|водительск\w+ удостоверени\w+|驾驶证"
    r"|驾照|運転免許証?|운전면허(?:증)?|sürücü belgesi|ehliyet|ड्राइविंग लाइसेंस|رخصة القيادة",
    re.IGNORECASE,
)
DOCUMENT_NUMBER = re.compile(
    r"(?:(?!\[NATIONAL_ID\])[^0-9]){0,28}?(?<![A-Za-z0-9])(?!(?:19|20)[0-9]{2}[ -][01]?[0-9][ -])"
    r"((?:[A-Z]{1,3}[ -]?|[A-Za-z]{1,5})?[0-9][A-Za-z0-9]{0,17}"
    r"(?:[ -][A-Za-z0-9]{0,8}[0-9][A-Za-z0-9]{0,8}){0,4})(?![A-Za-z0-9])(?![.:/][0-9])"
)
