"""Detector of phone numbers: international, national in a known form, or named as one."""

import re
from collections.abc import Iterator, Sequence

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Place, has_any, listed, text_before

#: Start of a number: not inside a word, a longer number, an amount or a path.
START = re.compile(r"(?<![A-Za-z0-9_+#$€£.-])(?<![0-9][ /(\u00a0])(?:\+|00|\()?[0-9]")
#: Separator of two digits. Two characters only at parentheses: ``+49 (0)30``.
GAP = r"(?: ?[(/]| ?\)[ -]{0,3}| - |[ .-])?"
#: Longest phone number; a longer number is none.
CANDIDATE = re.compile(rf"(?:\+|\()?[0-9](?:{GAP}[0-9]){{6,17}}")
GOES_ON = re.compile(r"[A-Za-z0-9_]|[.,:/-][0-9]|[ ][0-9]")

INTERNATIONAL = re.compile(r"\+[1-9]|00[1-9]")
SEPARATORS = b"+()/ .-"

#: National forms.
NATIONAL = re.compile(
    r"(?:1[ .-]?)?\([2-9][0-9]{2}\)[ ]?[0-9]{3}[ .-][0-9]{4}"  # North America: (202) 555-0143
    r"|(?:1[ .-])?[2-9][0-9]{2}([ .-])[2-9][0-9]{2}\1[0-9]{4}"  # 202-555-0143
    r"|(?:[0-9][ ])?\([0-9]{2,5}\)[ ]?[0-9]{2,5}(?:[ -][0-9]{2,4}){1,3}"  # (11) 98765-4321
    r"|0[1-9][0-9]{0,4}(?:[ /-][0-9]{2,8}){1,4}"  # 020 7946 0958, 06 39 98 12 34, 089/99998-123
)
DATE = re.compile(
    r"(?:19|20)[0-9]{2}([./ -]?)[01][0-9]\1[0-3][0-9].*|[0-3]?[0-9]([./-])[01]?[0-9]\2[0-9]{4}.*"
)
INTERNET = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")

#: Characters before a number that may name its kind.
CONTEXT_CHARACTERS = 32
PHONE_CONTEXT = AnyCase(
    r"\b(?:tel\b|t[eé]l[eéè]|mobi|m[oó]vil|cell?\b|cel+ul|call|ring\b|text(?:ed)?\b|dial"
    r"|contact n|kontakt|tlf\b|whats ?app|fax\b|reach|my number|handy|natel|ruf|meine nummer"
    r"|t[eé]l\b|portable\b|fixe\b|appel|joign|mon num|mi n[uú]m|ll[aá]m|il mio num|chiam|bel\b"
    r"|mijn num|mitt num|m[oó]j numer|zadzwo|ligue\b|meu n[uú]m)|phone|telef|rufnummer"
    r"|телефон|جوال|موبايل|رقمي|мой номер|звон|τηλ|电话|手机|号码|電話|携帯|番号|전화|هاتف|फ़ोन"
)
#: One of these is in each match; to look for them is faster.
OF_PHONES = listed(
    "phone tel tél mobi movil móvil cel call ring text dial contact kontakt tlf whats fax reach num"
    " núm handy ruf portable fixe appel joign llam llám chiam bel zadzwo ligue meu"
    " телефон جوال موبايل رقمي мой звон τηλ 电话 手机 号码 電話 携帯 番号 전화 هاتف फ़ोन"
)
OTHER_NUMBER_CONTEXT = AnyCase(
    r"\b(?:order|ticket|invoice|part|policy|tracking|serial|batch|sku|ref|case|isbn|ean|imei"
    r"|customer|account|article|item|model|version|bestell|rechnung|kunden|vorgang|artikel"
    r"|commande|facture|pedido|factura|ordine|fattura)\w{0,12}[ .:#-]{0,3}"
    r"(?:number|no|nr|num|id)?[ .:#-]{0,3}(?:is |ist )?$"
    r"|(?:問い?合わ?せ|注文|追跡|伝票|会員|受付|商品)番号\W{0,3}$|(?:订单|運單|运单|快递单"
    r"|发票|工单)号?码?\W{0,3}$"
    r"|(?:주문|송장|운송장) ?번호\W{0,3}$|(?:заказ|накладн|трек)\w{0,8}[ №:-]{0,3}$"
)
#: One of these is in each match.
OF_OTHERS = listed(
    "order ticket invoice part policy tracking serial batch sku ref case isbn ean imei customer"
    " account article item model version bestell rechnung kunden vorgang artikel commande facture"
    " pedido factura ordine fattura 番号 订单 運單 运单 快递单"
    " 发票 工单 주문 송장 заказ накладн трек"
)


def find_phones(text: str, windows: Sequence[Place]) -> Iterator[Place]:
    """Yield phone numbers."""
    for first, last in windows:
        end_of_last = first
        for start in START.finditer(text, first, last):
            if start.start() < end_of_last:
                continue
            candidate = CANDIDATE.match(text, start.start())
            end = candidate and _end_of_phone(text, candidate)
            if end:
                end_of_last = end
                yield start.start(), end


def _end_of_phone(text: str, candidate: re.Match[str]) -> int | None:
    """Return the end of the phone number at the candidate; ``None`` if none."""
    number, start, end = candidate.group(), candidate.start(), candidate.end()
    n_digits = len(number.encode().translate(None, SEPARATORS))
    if INTERNATIONAL.match(number) and n_digits >= (7 if number[0] == "+" else 12):
        while n_digits > 15 or GOES_ON.match(text, end):  # other numbers follow: cut at a separator
            number = number.rstrip("0123456789").rstrip(" .-/()")
            end = start + len(number)
            n_digits = len(number.encode().translate(None, SEPARATORS))
            if n_digits < 7:
                return None
        return end
    if n_digits > 13 or GOES_ON.match(text, end) or DATE.fullmatch(number):
        return None
    # The patterns of the words before a number are the slow ones: they come last.
    is_national = n_digits >= 8 + number.startswith("0") and NATIONAL.fullmatch(number)
    is_possible = n_digits <= 12 and (n_digits >= 9 or not number.isdigit())
    if not (is_national or is_possible) or INTERNET.fullmatch(number):
        return None
    before = text_before(text, start, CONTEXT_CHARACTERS)
    if not (is_national or (has_any(before, OF_PHONES) and PHONE_CONTEXT.is_in(before))):
        return None
    return None if has_any(before, OF_OTHERS) and OTHER_NUMBER_CONTEXT.is_in(before) else end
