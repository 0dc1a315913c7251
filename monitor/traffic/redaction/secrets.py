"""Detector of keys, tokens and passwords, by providers' prefixes or by the words before them.

A candidate without a digit is taken for a word, except keys in capitals of a known form.
"""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.text_scan import Place, TextScan

#: Longest secret; the rest of a longer one is another match.
MAX_LENGTH = 4096
KEY = re.compile(
    r"sk-[A-Za-z0-9_-]{16,256}"  # OpenAI, Anthropic
    r"|[srp]k_(?:live|test)_[A-Za-z0-9]{16,256}"  # Stripe
    r"|gh[pousr]_[A-Za-z0-9]{30,256}"
    r"|github_pat_[A-Za-z0-9_]{30,256}"
    r"|glpat-[A-Za-z0-9_-]{20,256}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,256}"
    r"|xapp-[A-Za-z0-9-]{10,256}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{33,39}"
    r"|hf_[A-Za-z0-9]{30,256}"
    r"|npm_[A-Za-z0-9]{30,256}"
    r"|pypi-[A-Za-z0-9_-]{30,1024}"
    r"|do[opr]_v1_[A-Fa-f0-9]{40,128}"
    r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,64}"
    r"|dapi[a-f0-9]{32,64}"
    rf"|eyJ[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}\.[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}"  # JSON web tokens
    rf"\.[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}"
)
#: Prefixes that no word starts with: 1 in 30 of these keys has no digit.
NEED_NO_DIGIT = frozenset({"AKIA", "ASIA"})
#: Keys with a prefix before their long part, and the longest prefix.
JOINED = re.compile(
    r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"  # SendGrid
    r"|ya29\.[A-Za-z0-9_-]{16,1024}"  # Google OAuth
    r"|[0-9]{8,10}:[A-Za-z0-9_-]{34,36}(?![A-Za-z0-9_-])"  # Telegram
)
FURTHEST_JOINT = 11

PRIVATE_KEY = re.compile(
    rf"-----BEGIN [A-Z ]{{0,30}}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s]|\\[nr]){{0,{4 * MAX_LENGTH}}}"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
URL_PASSWORD = re.compile(r"://[^\s/:@]{1,64}:([^\s/@]{1,128})@")

#: Credentials of the header ``Authorization``.
CREDENTIALS = re.compile(rf"[A-Za-z0-9._~+/=-]{{16,{MAX_LENGTH}}}")
SCHEMES = ("bearer ", "basic ")

#: Parts of the words before a secret; searched as bytes, which is fast.
NEEDLES = tuple(b"pass pwd pw kennwort contrase senha secret token key".split())
#: Words before a secret.
WORD = re.compile(
    r"pass(?:w|e\b|phrase| is)|pwd|(?<![a-z0-9])pw\b|kennwort|contrase|senha|secret|token"
    r"|(?<=api)key|(?<=api.)key|(?<=account)key|(?<=account.)key|(?<=access)key|(?<=access.)key",
    re.IGNORECASE,
)
#: A named secret: ``password: x``, ``"api_key": "x"``, ``my password is x``.
GIVEN = re.compile(
    r"[\w -]{2,40}?[\"']?\]?\s{0,3}(?:[:=]|\b(?:is|ist|lautet|es|est|è)\b:?)\s{0,3}[\"']?"
    rf"([^\s\"'<>,;&${{%\[][^\s\"'<>,;&]{{5,{MAX_LENGTH}}})",
    re.IGNORECASE,
)


def find_secrets(scan: TextScan) -> Iterator[Place]:
    """Yield keys, tokens and passwords."""
    text = scan.text
    if "@" in text and "://" in text:
        for match in URL_PASSWORD.finditer(text):
            yield match.span(1)
    yield from _keys(scan)
    if not scan.has_digit:
        return
    end_of_last = 0
    for start in scan.places_of(NEEDLES):
        named = WORD.match(text, start) and GIVEN.match(text, start)
        if not named or start < end_of_last:
            continue
        end_of_last = named.end()
        if _is_alphanumeric(named[1]):
            yield named.start(1), named.start(1) + len(named[1].rstrip(".)"))


def _keys(scan: TextScan) -> Iterator[Place]:
    text = scan.text
    has_token = False
    for start, end in scan.long_tokens():
        has_token = True
        if text[max(0, start - 7) : start].lower().endswith(SCHEMES):
            credentials = CREDENTIALS.match(text, start)
            yield credentials.span() if credentials else (start, end)
            continue
        match = KEY.match(text, start) or _joined(text, start)
        if match and (
            match[0][:4] in NEED_NO_DIGIT or any(character.isdigit() for character in match[0])
        ):
            yield match.span()
    if has_token and "PRIVATE KEY-----" in text:
        for match in PRIVATE_KEY.finditer(text):
            yield match.span()


def _joined(text: str, start: int) -> re.Match[str] | None:
    """Return the key of two parts around ``start``."""
    if start == 0 or text[start - 1] not in ".:":
        return None
    for first in range(max(0, start - FURTHEST_JOINT), start - 1):
        match = JOINED.match(text, first)
        if match and (first == 0 or not text[first - 1].isalnum()):
            return match
    return None


def _is_alphanumeric(value: str) -> bool:
    return any(character.isdigit() for character in value) and any(
        character.isalpha() for character in value
    )
