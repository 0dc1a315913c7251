"""Wrong encodings of texts: broken UTF-8, entities, escapes, base64."""

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

import numpy as np

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import Candidate, Shares

#: A two-byte or three-byte sequence of UTF-8, read as Windows-1252 or Latin-1.
_BROKEN = re.compile(
    "[ÂÃÐÑØÙ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â[\u0080-\u00bf€][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"  # noqa: RUF001
)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,7}|#\d{2,6}|#x[0-9a-fA-F]{2,6});")
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[nrt\"](?![a-z]))|\\n")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_INVISIBLE = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]")
_REPLACED = "\ufffd"


def find_encodings(shares: Shares) -> list[FoundExplanation]:
    """Return the wrong encodings that more texts have than before, or fewer."""
    explanations = []
    for name, decode in DECODERS.items():
        is_encoded = shares.map(partial(_is_encoded, decode=decode))
        rows = is_encoded[0].astype(np.bool_), is_encoded[1].astype(np.bool_)
        explanation = shares.explain(
            "encoding",
            Candidate(rows, text=name, reduce=decode),
            n_candidates=len(DECODERS),
        )
        if explanation is not None:
            explanations.append(explanation)
            shares = shares.among(~explanation.reference_rows, ~explanation.current_rows)
    return explanations


def _is_encoded(text: str, decode: Callable[[str], str]) -> bool:
    return decode(text) != text


def _repair(text: str) -> str:
    if not _BROKEN.search(text):
        return text
    try:
        # As browsers do: what Windows-1252 leaves undefined is a control character.
        encoded = b"".join(
            character.encode("cp1252", "ignore") or character.encode("latin-1")
            for character in text
        )
        return encoded.decode("utf-8")
    except UnicodeError:
        return text


def _unescape_html(text: str) -> str:
    return html.unescape(text) if _ENTITY.search(text) else text


def _unescape_json(text: str) -> str:
    if not _ESCAPE.search(text):
        return text
    inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    try:
        decoded = json.loads(
            '"' + re.sub(r'(?<!\\)((?:\\\\)*)"', r"\1\\\"", inner) + '"', strict=False
        )
    except ValueError:
        return text
    return str(decoded)


def _unquote(text: str) -> str:
    # One alone may be "100%".
    return unquote(text) if len(_PERCENT.findall(text)) > 1 else text


def _decode_base64(text: str) -> str:
    stripped = text.strip()
    if not _BASE64.fullmatch(stripped) or len(stripped) % 4:
        return text
    try:
        decoded = base64.b64decode(stripped, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return text
    return decoded if decoded.isprintable() or "\n" in decoded else text


def _without_invisible(text: str) -> str:
    return _INVISIBLE.sub("", text)


def _without_replaced(text: str) -> str:
    return text.replace(_REPLACED, "")


#: Each returns a text that does not have the encoding as it is.
DECODERS: dict[str, Callable[[str], str]] = {
    "base64": _decode_base64,
    "JSON escapes": _unescape_json,
    "HTML entities": _unescape_html,
    "URL encoding": _unquote,
    "UTF-8 read as Latin-1": _repair,
    "replacement characters": _without_replaced,
    "invisible characters": _without_invisible,
}
