"""Passwords: argon2id hashes, and which passwords are too easy to guess."""

import re
import secrets
import threading
import unicodedata
from contextlib import suppress
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from monitor.errors import InputError

MIN_LENGTH = 12
MAX_LENGTH = 1024
#: Fewer different characters are a pattern, not a password.
MIN_DIFFERENT = 5
#: What is left of the passwords that are tried first once digits and signs are taken off.
COMMON = frozenset(
    {
        "admin", "administrator", "changeme", "changemeplease", "correcthorsebatterystaple",
        "driftwarden", "football", "iloveyou", "letmein", "letmeinplease", "login", "monkey",
        "passphrase", "password", "passwordpassword", "passwort", "pass", "qwerty", "qwertyuiop",
        "qwertyuiopasdfgh", "qwertyuiopasdfghjkl", "qwertz", "secret", "summer", "sunshine", "test",
        "trustno", "welcome", "welcomewelcome", "winter",
    }
)  # fmt: skip
#: Each takes 64 MiB for a moment: many sign-ins at once mustn't fill the memory.
_at_once = threading.BoundedSemaphore(4)
_hasher = PasswordHasher()


def check_strength(password: str, name: str) -> None:
    """Refuse a password that is short or would be tried early.

    Raises:
        InputError: The password can't be used; the message says why.
    """
    password = _normal(password)
    if len(password) < MIN_LENGTH:
        raise InputError(f"a password has at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise InputError(f"a password has at most {MAX_LENGTH} characters")
    plain = password.casefold()
    if len(set(plain)) < MIN_DIFFERENT:
        raise InputError(f"a password has at least {MIN_DIFFERENT} different characters")
    for part in re.findall(r"\w{4,}", name.casefold()):
        if part in plain:
            raise InputError("a password doesn't contain one's own name")
    letters = "".join(character for character in plain if character.isalpha())
    if letters in COMMON or plain.strip().isdecimal():
        raise InputError("this is one of the first passwords that would be tried; take another")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its parameters and its salt."""
    with _at_once:
        return _hasher.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether a password belongs to a hash; without one, ``False`` after the same work."""
    decoy = _decoy()
    with _at_once:
        try:
            correct = _hasher.verify(stored or decoy, _normal(password[: MAX_LENGTH + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return bool(stored) and correct


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def generate_password(name: str = "") -> str:
    """Return a password nobody can guess, and that this person may have."""
    while True:
        password = secrets.token_urlsafe(15)
        with suppress(InputError):
            check_strength(password, name)
            return password


@lru_cache(maxsize=1)
def _decoy() -> str:
    return hash_password(secrets.token_hex(16))


def _normal(password: str) -> str:
    # Keyboards write the same character in different ways.
    return unicodedata.normalize("NFKC", password)
