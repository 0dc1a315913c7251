"""Passwords: argon2id hashes and a strength check."""

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
#: Passwords with fewer distinct characters are patterns.
MIN_DISTINCT = 5
#: The most common passwords, without their digits and punctuation.
COMMON = frozenset(
    {
        "admin", "administrator", "changeme", "changemeplease", "correcthorsebatterystaple",
        "driftwarden", "football", "iloveyou", "letmein", "letmeinplease", "login", "monkey",
        "passphrase", "password", "passwordpassword", "passwort", "pass", "qwerty", "qwertyuiop",
        "qwertyuiopasdfgh", "qwertyuiopasdfghjkl", "qwertz", "secret", "summer", "sunshine", "test",
        "trustno", "welcome", "welcomewelcome", "winter",
    }
)  # fmt: skip
#: Each hash takes 64 MiB for a moment; a limit keeps many sign-ins from filling the memory.
_concurrent_hashes = threading.BoundedSemaphore(4)
_hasher = PasswordHasher()


def check_strength(password: str, name: str) -> None:
    """Raise ``InputError``, which says why, for a password that is short or easy to guess."""
    password = _normal(password)
    if len(password) < MIN_LENGTH:
        raise InputError(f"the password is too short; use at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        raise InputError(f"the password is too long; use at most {MAX_LENGTH} characters")
    plain = password.casefold()
    if len(set(plain)) < MIN_DISTINCT:
        raise InputError(
            f"the password is too uniform; use at least {MIN_DISTINCT} different characters"
        )
    for part in re.findall(r"\w{4,}", name.casefold()):
        if part in plain:
            raise InputError("the password contains the user's name; choose another")
    alphabetic = "".join(character for character in plain if character.isalpha())
    if alphabetic in COMMON or plain.strip().isdecimal():
        raise InputError("the password is among the most common; choose another")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, including parameters and salt."""
    with _concurrent_hashes:
        return _hasher.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether a password matches a hash; without a hash, ``False`` after equal work."""
    decoy = _decoy()
    with _concurrent_hashes:
        try:
            correct = _hasher.verify(stored or decoy, _normal(password[: MAX_LENGTH + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return bool(stored) and correct


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with weaker parameters than the current ones."""
    return _hasher.check_needs_rehash(stored)


def generate_password(name: str = "") -> str:
    """Return a random password that passes the strength check for a user name."""
    while True:
        password = secrets.token_urlsafe(15)
        with suppress(InputError):
            check_strength(password, name)
            return password


@lru_cache(maxsize=1)
def _decoy() -> str:
    return hash_password(secrets.token_hex(16))


def _normal(password: str) -> str:
    # Keyboards encode the same character in different ways.
    return unicodedata.normalize("NFKC", password)
