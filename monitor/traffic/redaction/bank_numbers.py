"""Detector of bank accounts without an IBAN: British, American and German numbers."""

import re
from collections.abc import Iterator, Sequence

from stdnum.us import rtn

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Place, TextScan
from monitor.traffic.redaction.word_index import needles

SORT_CODE = r"[0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9]{2}"
#: A sort code and an account in a row: ``20-00-00 55779911``.
BRITISH = re.compile(
    r"(?<![A-Za-z0-9-])[0-9]{2}(?P<gap>[ -])[0-9]{2}(?P=gap)[0-9]{2} ?[|,;/ ]? ?"
    r"[0-9]{8}(?![A-Za-z0-9-])"
)
#: In each of them.
EIGHT_DIGITS, SORTED = b"0" * 8, b"00 00 00"
LINK = r"[^0-9?!;]{0,28}?(?<![A-Za-z0-9])"
END = r"(?![A-Za-z0-9])(?!-[0-9])"
#: Beginnings of the words.
NEEDLES = needles("sort s/c sc: sc= routing rounting aba rt transit blz bankleitzahl")
OTHER_NEEDLES = needles("सॉर्ट сорт ⑆")
#: Words that name a bank's number, and the number.
BANK = AnyCase(
    rf"(?:sort(?:[\W_]?code)?|\bs/c\b|\bsc\b[:=]|सॉर्ट कोड"
    rf"|сорт-?код){LINK}(?P<sort>{SORT_CODE}){END}"
    rf"|(?:roun?ting|\baba\b|\brtn?\b|transit n|⑆){LINK}"
    rf"(?P<routing>[0-9](?:[ -]?[0-9]){{8}}){END}"
    rf"|(?:\bblz\b|bankleitzahl){LINK}(?P<blz>[0-9]{{3}} ?[0-9]{{3}} ?[0-9]{{2}}){END}"
)
ACCOUNT = AnyCase(
    r"(?:\b(?:acc?(?:(?:oun)?ts?)?(?:_?n(?:umber|o|r|um))?(?![a-z])|acount|a/?c\b|cuenta\b"
    r"|compte\b|conto\b|rekening\w*|conta\b|hesap\w*|then\b|und\b|kont[oa]\w{0,10}"
    r"|kto\b\.?|checking\b|savings\b)|⑆|खाता|계좌|口座|账[户号]|сч[её]т\w?|حساب)"
    rf"{LINK}([0-9](?:[ -]?[0-9]){{5,16}}){END}"
)
#: Directly after a sort code.
BARE_ACCOUNT = re.compile(rf"[ ,/|;-]{{1,3}}([0-9]{{4}}[ -]?[0-9]{{4}}){END}")
#: Characters of a sort code, and of what stands between it and the account.
SORT_CHARACTERS = 14
#: Characters between a bank's number and its account.
REACH = 160


def find_accounts(scan: TextScan, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield numbers of banks that are named as such, and accounts near them."""
    text = scan.text
    for first, last in windows if EIGHT_DIGITS in scan.classes else ():
        begin = max(0, first - SORT_CHARACTERS)
        if scan.classes.find(SORTED, begin, last) >= 0:
            for match in BRITISH.finditer(text, begin, last):
                yield match.span()
    for place in scan.places_of(NEEDLES, OTHER_NEEDLES):
        bank = BANK.of(scan.cases).match(scan.cases.lower, place)
        if bank is None:
            continue
        group = bank.lastgroup or ""
        if group == "routing" and not rtn.is_valid(re.sub("[ -]", "", bank[group])):
            continue
        yield bank.span(group)
        near = max(0, bank.start() - REACH), bank.end() + REACH
        for account in ACCOUNT.of(scan.cases).finditer(scan.cases.lower, *near):
            yield account.span(1)
        if group == "sort":
            bare = BARE_ACCOUNT.match(text, bank.end())
            if bare:
                yield bare.span(1)
