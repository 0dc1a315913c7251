"""Detectors of payment cards, IBANs and United States social security numbers."""

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import (
    LINE_BREAK,
    Place,
    TextScan,
    has_any,
    listed,
    words_near,
)
from monitor.traffic.redaction.word_index import places_in

#: 13 to 19 digits, each but the first after at most one separator; no scheme begins with 0, 1 or 7.
DIGITS_OF_CARD = re.compile(r"(?<![0-9])(?<![0-9][.-])[2-689](?:[ ./-]?[0-9]){12,18}")
#: The first digit of the card schemes, their first digits, and the lengths that they issue
#: (ISO/IEC 7812).
SCHEMES = (
    ("4", re.compile(r"4"), (16, 19)),  # Visa; those of 13 digits are long out of use
    ("25", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    ("3", re.compile(r"3[47]"), (15,)),  # American Express
    ("3", re.compile(r"3(?:0[0-5]|095|[68])"), (14, 16, 19)),  # Diners Club
    ("6", re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    ("3", re.compile(r"35(?:2[89]|[3-8])"), (16, 19)),  # JCB
    ("2", re.compile(r"220[0-4]"), (16, 17, 18, 19)),  # Mir
    ("9", re.compile(r"9792"), (16,)),  # Troy
    ("68", re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    ("56", re.compile(r"50|5[6-9]|6"), (16, 18, 19)),  # Maestro and national debit cards
)

#: A line break between two digits, and the digits on either side of it.
BROKEN = re.compile(rf"[0-9]-?{LINE_BREAK}-?(?=[0-9])")
#: Characters before a line break in which the digit is.
BREAK_REACH = 24
PART = re.compile(r"[0-9](?:[ -]?[0-9]){0,17}(?![A-Za-z0-9])")
PART_CHARACTERS = 24
#: Groups of four, of which a column of numbers has one on a line.
GROUPS = re.compile(r"[0-9]{4}(?:[ -][0-9]{4}){0,3}")
COLUMN_BEFORE = re.compile(r"[0-9][ \t]{0,4}\n[ \t]{0,8}$")
COLUMN_AFTER = re.compile(r"[ \t]{0,4}\n[ \t]{0,8}[0-9]")
CARD_NAMED = AnyCase(
    r"card|kart[ey]|\bcart[aeã]|tarjeta|kaart|\bkort|карт|卡|カード|카드|بطاقة|कार्ड|\bvisa\b"
    r"|master|amex|maestro|kredit|cr[eé]dit|debit|\bpan\b"
)
CARD_CONTEXT_CHARACTERS = 60

#: Each digit -> the sum of the digits of its double.
DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
NO_SEPARATORS = str.maketrans("", "", " ./-")
DIGIT_FOLLOWS = re.compile("-?[0-9]")

#: Each alphabetic character of an IBAN -> its value in the checksum.
VALUES = {ord(character): str(int(character, 36)) for character in ascii_uppercase}
#: Length of each country's IBAN (SWIFT's registry).
IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FO GL NL SD FK", "19": "MK SI",
        "20": "AT BA EE KZ LT LU XK MN", "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL", "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST",
        "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

SSN = re.compile(
    r"(?<![\w-])(?!000|666|9)[0-9]{3}([ .-]?)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}(?![\w-])(?!\.[0-9])"
)
SSN_NAMED = AnyCase(r"\b(?:ssn|ss ?#|ss no|soc(?:ial)?(?: sec(?:urity)?)?)\b|\bss#|\btax id\b")
#: One of these is in each match.
OF_SSNS = listed("ssn ss# ss_# ss_no soc tax_id")
#: Characters before a number that may name its kind.
SSN_CONTEXT_CHARACTERS = 40


def find_cards(scan: TextScan, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield card numbers: prefix and length of a scheme, and the Luhn checksum."""
    text = scan.text
    for first, last in windows:
        position = first
        while match := DIGITS_OF_CARD.search(text, position, last):
            end = _end_of_card(text, match)
            if end:
                yield match.start(), end
            position = end or match.start() + 1


def find_broken_cards(scan: TextScan) -> Iterator[Place]:
    """Yield card numbers over a line break, in groups of four or after a word for a card."""
    text = scan.text
    for place in _line_breaks(text):
        near = text[max(0, place - BREAK_REACH) : place].rstrip(" \t\r=\\-")
        if near.endswith("\\r"):
            near = near[:-1].rstrip("\\")
        gap = near[-1:].isdigit() and BROKEN.match(
            text, max(0, place - BREAK_REACH) + len(near) - 1
        )
        if not gap or gap.end() <= place:
            continue
        end_of_first = gap.start() + 1
        first = PART.match(text[max(0, end_of_first - PART_CHARACTERS) : end_of_first][::-1])
        last = PART.match(text, gap.end())
        if not first or not last:
            continue
        start = end_of_first - first.end()
        if start and text[start - 1] in ".-":
            continue
        parts = first[0][::-1], last[0]
        digits = "".join(parts).translate(NO_SEPARATORS)
        if not any(
            digits[0] in initial and prefix.match(digits) and len(digits) in lengths
            for initial, prefix, lengths in SCHEMES
        ):
            continue
        if _is_luhn(digits) and _is_set_apart(text, start, last.end(), parts):
            yield start, last.end()


def find_ibans(scan: TextScan) -> Iterator[Place]:
    """Yield IBANs: the country's length, and the checksum of ISO 7064 MOD 97-10."""
    text = scan.text
    for start in scan.countries():
        if start > 0 and text[start - 1].isalnum():
            continue
        country = text[start : start + 2].upper()
        end = _after(text, start, IBAN_LENGTHS.get(country, 0))
        if end and not text[end : end + 1].isalnum() and _is_iban(text[start:end]):
            yield start, end


def find_ssns(scan: TextScan, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield social security numbers: ``078-05-1120``, or other forms after their name."""
    text = scan.text
    may_be_named: bool | None = None
    for first, last in windows:
        for match in SSN.finditer(text, first, last):
            if match[1] != "-" and may_be_named is None:
                may_be_named = has_any(text, OF_SSNS)
            if match[1] == "-" or (
                may_be_named
                and SSN_NAMED.is_in(words_near(text, *match.span(), SSN_CONTEXT_CHARACTERS))
            ):
                yield match.span()


def _end_of_card(text: str, match: re.Match[str]) -> int | None:
    """Return the end of the card number at the start of a run of digits; ``None`` if none."""
    digits = match.group().translate(NO_SEPARATORS)
    for first, prefix, lengths in SCHEMES:
        if digits[0] not in first or not prefix.match(digits):
            continue
        for length in sorted(lengths, reverse=True):
            if length > len(digits) or not _is_luhn(digits[:length]):
                continue
            end = _after(text, match.start(), length)
            if end and not DIGIT_FOLLOWS.match(text, end):
                return end
    return None


def _line_breaks(text: str) -> Iterator[int]:
    """Yield the positions of line breaks, also of those that are escaped in JSON."""
    yield from places_in(text, "\n")
    if "\\" in text:
        yield from places_in(text, "\\n")


def _is_set_apart(text: str, start: int, end: int, parts: tuple[str, str]) -> bool:
    """Return whether two lines of digits are one number rather than rows of a column."""
    if CARD_NAMED.is_in(words_near(text, start, end, CARD_CONTEXT_CHARACTERS)):
        return True
    grouped = all(map(GROUPS.fullmatch, parts)) and any(len(part) > len("0000") for part in parts)
    near = text[max(0, start - PART_CHARACTERS) : start]
    return grouped and not COLUMN_BEFORE.search(near) and not COLUMN_AFTER.match(text, end)


def _after(text: str, start: int, n: int) -> int | None:
    """Return the end of n letters and digits from ``start`` on; ``None`` if there are fewer."""
    if 0 < n <= len(text) - start and text[start : start + n].isalnum():
        return start + n
    position = start
    for position in range(start, min(len(text), start + 2 * n)):
        n -= text[position].isalnum()
        if n == 0:
            return position + 1
    return None


def _is_luhn(digits: str) -> bool:
    codes = digits.encode()
    total = sum(codes[-1::-2]) + sum(codes[-2::-2].translate(DOUBLED)) - ord("0") * len(codes)
    return total % 10 == 0 and len(set(codes)) > 1


def _is_iban(text: str) -> bool:
    compact = "".join(character for character in text.upper() if character.isalnum())
    if not compact.isascii():
        return False
    rearranged = compact[4:] + compact[:4]
    return int(rearranged.translate(VALUES)) % 97 == 1
