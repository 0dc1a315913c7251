"""Replace personal data by its kind, before anything is stored: the fast tier, by patterns.

It finds what has a form (addresses, numbers, keys), not names of people.
"""

import re
from hashlib import blake2b

KEY_PREFIXES = (
    r"sk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic
    r"[srp]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"gh[pousr]_[A-Za-z0-9]{30,}",
    r"github_pat_[A-Za-z0-9_]{30,}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"xox[abeprs]-[A-Za-z0-9-]{10,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"hf_[A-Za-z0-9]{30,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # JSON web tokens
)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
API_KEY = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(KEY_PREFIXES)})")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])")
CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-]*\d)")
PHONE = re.compile(
    r"(?<![\w.+-])(?<!\d )(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # +44 20 7946 0958
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}"  # (555) 010-4477
    r"|\d{3}[.-]\d{3}[.-]\d{4}"  # 555-010-4477
    r"|0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5}"  # 020 7946 0958
    r")(?![\w-]| \d)"
)


def redact(text: str) -> str:
    """Replace e-mail addresses, keys, IBANs, card, social security and phone numbers.

    >>> redact("Write to ann@example.org or call +44 20 7946 0958.")
    'Write to [EMAIL] or call [PHONE].'
    """
    if "@" in text:
        text = EMAIL.sub("[EMAIL]", text)
    text = API_KEY.sub("[API_KEY]", text)
    if not _has_digits(text):
        return text
    text = IBAN.sub(_redact_iban, text)
    text = SSN.sub("[SSN]", text)
    text = CARD.sub(_redact_card, text)
    return PHONE.sub("[PHONE]", text)


def pseudonym(user: str) -> str:
    """Return the user id, or where it is personal data, a stable name that isn't.

    The user is the unit that permutations keep together, so two users must not become one.
    """
    if redact(user) == user:
        return user
    return "user-" + blake2b(user.encode(), digest_size=8).hexdigest()


_DIGIT_RUN = re.compile(r"\d[\d ./()-]{5,}\d|[A-Z]{2}\d\d")


def _has_digits(text: str) -> bool:
    return _DIGIT_RUN.search(text) is not None


def _redact_card(match: re.Match[str]) -> str:
    return "[CARD]" if _is_card(match.group()) else match.group()


def _redact_iban(match: re.Match[str]) -> str:
    """Replace the IBAN; words in capitals may follow it and look like more groups of it."""
    groups = match.group().split(" ")
    for n_groups in range(len(groups), 0, -1):
        if _is_iban("".join(groups[:n_groups])):
            return " ".join(["[IBAN]", *groups[n_groups:]])
    return match.group()


def _is_card(text: str) -> bool:
    """Check Luhn's sum, and that the digits aren't all the same."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _is_iban(compact: str) -> bool:
    """Check the sum of ISO 7064 MOD 97-10."""
    if not 15 <= len(compact) <= 34:
        return False
    rearranged = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1
