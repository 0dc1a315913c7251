"""Normalization of end users' ids: one form for the spellings of one end user."""

import re
import unicodedata
from contextlib import suppress

import phonenumbers

#: Characters that are invisible in a text: zero-width ones, direction marks, soft hyphens.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
#: Dashes that stand for a hyphen.
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_SCHEME = re.compile(r"\A(?:mailto|tel):", re.IGNORECASE)
_ADDRESS = re.compile(r"\A[^\s@<>]{1,64}@[^\s@<>]{1,190}\Z")
_PHONE = re.compile(r"\A\+?[0-9(][0-9 ()./-]{5,30}[0-9]\Z")


def normalize(end_user: str, *, ignore_case: bool = True, phone_region: str = "") -> str:
    """Return the one form of an id.

    Unicode NFKC, so that full-width characters and combined accents agree; invisible characters
    and surrounding space removed, inner space reduced to one blank; lower case; of an e-mail
    address the domain in ASCII; of a valid phone number with a country code the form of E.164.
    Nothing else: dots and tags in an e-mail address and leading zeros tell ids apart.

    Args:
        end_user: The id as production sends it.
        ignore_case: Whether ids that differ in case only are one; e-mail addresses always are.
        phone_region: Region whose numbers need no country code, such as ``DE``; empty: none.

    >>> normalize(" Ann@Example.ORG "), normalize("0049 (30) 901820")
    ('ann@example.org', '+4930901820')
    >>> normalize("030 901820"), normalize("030 901820", phone_region="DE")
    ('030 901820', '+4930901820')
    """
    text = end_user
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
        text = _INVISIBLE.sub("", text)
    text = " ".join(text.split())
    bare = _SCHEME.sub("", text)
    if "@" in bare and _ADDRESS.match(bare):
        return _address(bare)
    digits = bare if bare.isascii() else _DASHES.sub("-", bare)
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
