"""Normalization of end users' ids: one form for the spellings of one end user."""

import re
import unicodedata
from contextlib import suppress

import phonenumbers

from monitor.traffic.end_users.addresses import address_in, plain_text

_TEL = re.compile(r"\Atel:", re.IGNORECASE)
_PHONE = re.compile(r"\A\+?[0-9(][0-9 ()./-]{5,30}[0-9]\Z")


def normalize(end_user: str, *, ignore_case: bool = True, phone_region: str = "") -> str:
    """Return the one form of an id.

    Unicode NFKC, so that full-width characters and combined accents agree; invisible characters
    and surrounding space removed, inner space reduced to one blank, hyphens and dashes of any kind
    to ``-``; lower case; an e-mail address that is the whole id without its wrapping, such as
    ``Ann <ann@example.org>``, and its domain in ASCII; of a valid phone number with a country code
    the form of E.164. Nothing else: dots and tags in an e-mail address and leading zeros tell ids
    apart.

    Without ``ignore_case`` ids that differ in case are others, but e-mail addresses never are.
    Numbers of the ``phone_region``, such as ``DE``, need no country code.

    >>> normalize(" Ann@Example.ORG "), normalize("0049 (30) 901820")
    ('ann@example.org', '+4930901820')
    >>> normalize("030 901820"), normalize("030 901820", phone_region="DE")
    ('030 901820', '+4930901820')
    """
    text = plain_text(end_user)
    address = address_in(text)
    if address:
        return _address(address)
    digits = _TEL.sub("", text)
    if _PHONE.match(digits):
        number = _phone(digits, phone_region)
        if number:
            return number
    return _fold(text) if ignore_case else text


def _address(text: str) -> str:
    local, _, domain = _fold(text).rpartition("@")
    domain = domain.rstrip(".")
    if not domain.isascii():
        with suppress(UnicodeError):  # what is not a domain stays as it is
            domain = domain.encode("idna").decode()
    return f"{local}@{domain}"


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text.casefold())


def _phone(text: str, region: str) -> str:
    """Return a valid number in the form of E.164; empty if it isn't one."""
    if text.startswith("00"):
        text = "+" + text[2:]
    if not (text.startswith("+") or region):
        return ""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
