"""Texts in an encoding, a cipher, backwards, or with digits and signs for characters."""

import base64
import binascii
import html
import re
from collections.abc import Callable
from urllib.parse import unquote

_BASE64 = re.compile(r"(?<![\w+/=-])[\w+/-]{12,}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}[ :]?){7,}[0-9a-fA-F]{2}(?!\w)")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}.*){2}", re.DOTALL)
_LEET = str.maketrans("01345678@$!|l", "oieasgtbasiii")
#: Least characters of a text without spaces that is compared backwards or by its pattern.
MIN_CHARACTERS = 10
#: Greatest share of its characters that a cipher leaves as they are.
MAX_UNCHANGED = 0.5


def decode(text: str) -> str:
    """Return a text with its parts in base64, hexadecimal bytes, entities and URL encoding decoded.

    Example:
        >>> decode("reply to YmxvY2sgbXkgY2FyZA==")
        'reply to block my card'
    """
    if "&" in text:
        text = html.unescape(text)
    if _PERCENT.search(text):
        text = unquote(text)
    text = _HEX.sub(_reader(bytes.fromhex, " :"), text)
    return _BASE64.sub(_reader(_base64_bytes, ""), text)


def _reader(read: Callable[[str], bytes], separators: str) -> Callable[["re.Match[str]"], str]:
    remove = str.maketrans("", "", separators)

    def replaced(match: "re.Match[str]") -> str:
        try:
            plain = read(match.group().translate(remove)).decode("utf-8")
        except (binascii.Error, ValueError):
            return match.group()
        return plain if all(char.isprintable() or char.isspace() for char in plain) else match[0]

    return replaced


def _base64_bytes(text: str) -> bytes:
    unpadded = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)


def leet_key(text: str) -> str:
    """Return the characters of a text with digits and signs read as others, without spaces.

    Example:
        >>> leet_key("8l0ck my c@rd")
        'biockmycard'
    """
    return "".join(char for char in text.translate(_LEET) if char.isalnum())


def character_pattern(text: str) -> str:
    """Return which characters of a text are equal: the same under a substitution.

    Example:
        >>> character_pattern("my mum") == character_pattern("zl zhz")
        True
    """
    places: dict[str, str] = {}
    return "".join(
        places.setdefault(char, chr(ord("A") + len(places))) if char.isalpha() else char
        for char in text
    )


def is_cipher(text: str, original: str) -> bool:
    """Return whether most characters of two texts with the same pattern differ."""
    pairs = [(a, b) for a, b in zip(text, original, strict=True) if b.isalpha()]
    return sum(a == b for a, b in pairs) <= MAX_UNCHANGED * len(pairs)
