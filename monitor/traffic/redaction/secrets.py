"""Detector of keys, tokens and passwords, by providers' prefixes or by the words before them.

A candidate without a digit is taken for a word, except keys in capitals of a known form.
Passwords are in :mod:`monitor.traffic.redaction.passwords`.
"""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.text_scan import Place, TextScan
from monitor.traffic.redaction.word_index import needles

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
    r"|whsec_[A-Za-z0-9]{24,256}|gsk_[A-Za-z0-9]{30,256}|xai-[A-Za-z0-9]{30,256}"
    r"|key-[a-f0-9]{32}|r8_[A-Za-z0-9]{30,64}|lin_api_[A-Za-z0-9]{30,64}"
    r"|sq0[a-z]{3}-[A-Za-z0-9_-]{20,64}"
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"  # Discord
    r"|AGE-SECRET-KEY-1[A-Z0-9]{40,80}"
    r"|[5KL][1-9A-HJ-NP-Za-km-z]{50,51}(?![A-Za-z0-9])"  # Bitcoin wallets
    rf"|eyJ[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}\.[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}"  # JSON web tokens
    rf"\.[A-Za-z0-9_-]{{8,{MAX_LENGTH}}}"
)
#: Prefixes that no word starts with: 1 in 30 of these keys has no digit.
NEED_NO_DIGIT = frozenset({"AKIA", "ASIA"})
CHANGE_OF_CASE = re.compile("[a-z][A-Z]")
#: Keys with a prefix before their long part, and the longest prefix.
JOINED = re.compile(
    r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"  # SendGrid
    r"|ya29\.[A-Za-z0-9_-]{16,1024}"  # Google OAuth
    r"|[0-9]{8,10}:[A-Za-z0-9_-]{34,36}(?![A-Za-z0-9_-])"  # Telegram
)
FURTHEST_JOINT = 11

PRIVATE_KEY = re.compile(
    rf"-----BEGIN [A-Z ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s>:.]"
    rf"|\\+[nr]){{0,{4 * MAX_LENGTH}}}"
    r"(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?"
)
URL_PASSWORD = re.compile(r"://[^\s/:@]{0,64}:([^\s/@]{1,128})@")
#: In the place of one: a variable, a mask, or the word itself.
NO_PASSWORD = re.compile(r"[{<$%\[(].*|[*x.…]+|pass(?:word|wd)?|pwd|secret", re.IGNORECASE)

#: The secret part of the address of a Slack webhook.
OF_WEBHOOKS = needles("hooks.")
WEBHOOK = re.compile(r"hooks\.[\w.-]{1,64}/(?:services|workflows)/([A-Za-z0-9/_-]{20,128})")

#: Credentials of the header ``Authorization``.
CREDENTIALS = re.compile(rf"[A-Za-z0-9._~+/=-]{{16,{MAX_LENGTH}}}")
SCHEMES = ("bearer ", "basic ")

#: Parts of the words before a secret.
NEEDLES = needles("secret token private preshared key")
#: Words before a secret.
WORD = re.compile(
    r"secret|token|(?:private|preshared)_?key|(?<=api)key|(?<=api.)key|(?<=account)key"
    r"|(?<=account.)key|(?<=access)key|(?<=access.)key",
    re.IGNORECASE,
)
#: A named secret: ``token: x``, ``"api_key": "x"``, also in JSON inside JSON.
GIVEN = re.compile(
    r"[\w -]{2,40}?\\{0,7}[\"']?\]?\s{0,3}(?:(?:[:=]|\b(?:is|ist|lautet|es|est|è)\b:?)\s{0,3}"
    r"\\{0,7}[\"']?|\s{1,3}[\"'])"
    rf"([^\s\"'<>,;&${{%\[\\][^\s\"'<>,;&\\]{{5,{MAX_LENGTH}}})",
    re.IGNORECASE,
)


def find_secrets(scan: TextScan) -> Iterator[Place]:
    """Yield keys, tokens, and passwords in URLs."""
    text = scan.text
    if "@" in text and "://" in text:
        for match in URL_PASSWORD.finditer(text):
            if not NO_PASSWORD.fullmatch(match[1]):
                yield match.span(1)
    if scan.has_words and scan.places_of(OF_WEBHOOKS):
        for match in WEBHOOK.finditer(text):
            yield match.span(1)
    yield from _keys(scan)
    if not (scan.has_digit and scan.has_words):
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
            match[0][:4] in NEED_NO_DIGIT
            or any(character.isdigit() for character in match[0])
            or len(CHANGE_OF_CASE.findall(match[0])) > 1  # no word looks like this
        ):
            yield match.span()
    if has_token and "PRIVATE KEY" in text:
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
