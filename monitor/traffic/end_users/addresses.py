"""E-mail addresses as ids: without what wraps them."""

import re
import unicodedata
from urllib.parse import unquote

#: Characters that are invisible in a text: zero-width ones, direction marks, soft hyphens.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
#: Dashes that stand for a hyphen.
_DASHES = re.compile("[\u02d7\u058a\u1806\u2010-\u2015\u2043\u2212]")
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_SPACED = re.compile(r"([^\s@<>]{1,64}) ?@ ?([^\s@<>]{1,190})")
#: A name, and the address in angle brackets.
_NAMED = re.compile(r"([^<>]{0,190}?) ?< ?([^<>]+?) ?>")
_MAILTO = re.compile(r"mailto:([^?]*)(?:\?.*)?", re.IGNORECASE)
_SIP = re.compile(r"sips?:([^?;]*?)(?::[0-9]{1,5})?(?:[?;].*)?", re.IGNORECASE)
_QUOTES = "\"'`\u2018-\u201f\u00ab\u00bb"
_QUOTED = re.compile(f"[{_QUOTES}] ?([^{_QUOTES}]+?) ?[{_QUOTES}]")
#: No id has more layers, such as quotes in angle brackets after a name.
MAX_LAYERS = 4


def plain_text(text: str) -> str:
    """Return a text in NFKC, with plain hyphens and blanks and without invisible characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
        text = _DASHES.sub("-", _INVISIBLE.sub("", text))
    return " ".join(text.split())


def address_in(text: str) -> str:
    """Return the address that is the whole of a plain text but for its wrapping; empty: none is.

    Wrapping is a name before angle brackets, quotes, ``mailto:`` or ``sip:`` with what follows
    ``?`` or ``;``, percent-encoding, and blanks beside the ``@``. A text that names a second
    address is none.

    >>> address_in("Ann <ann@example.org>"), address_in("mailto:ann%40example.org?subject=x")
    ('ann@example.org', 'ann@example.org')
    >>> address_in("bob@example.org <ann@example.org>")
    ''
    """
    if "@" not in text and "%40" not in text:
        return ""
    for _ in range(MAX_LAYERS):
        inner = _without_layer(text)
        if inner == text:
            break
        text = inner
    return text if _ADDRESS.fullmatch(text) else ""


def _without_layer(text: str) -> str:
    """Return a text without its outer layer; as it is if it has none."""
    if match := _QUOTED.fullmatch(text):
        return match[1]
    if match := _NAMED.fullmatch(text):
        name = match[1].strip(" \"'").lower()
        return match[2] if "@" not in name or name == match[2].lower() else text
    for scheme in (_MAILTO, _SIP):
        match = scheme.fullmatch(text)
        if match:
            rest = text[match.end(1) :]
            return text if "@" in rest or "%40" in rest else _decoded(match[1])
    if match := _SPACED.fullmatch(text):
        return f"{match[1]}@{match[2]}"
    return _decoded(text) if "@" not in text else text


def _decoded(text: str) -> str:
    """Return a text without percent-encoding, or as it is where that has no address."""
    if "%" not in text:
        return text
    try:
        decoded = plain_text(unquote(text, errors="strict"))
    except UnicodeDecodeError:
        return text
    return decoded if _ADDRESS.fullmatch(decoded) else text
