"""Keys of pseudonyms, and what is computed with one."""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass, field
from functools import cached_property

#: A shorter key could be guessed.
MIN_KEY_CHARACTERS = 32
PREFIX = "user-"
#: Tag of the key, and 128 bits in base 32.
PSEUDONYM = re.compile(rf"\A{PREFIX}([0-9a-f]{{4}})-[a-z2-7]{{26}}\Z")
#: Pseudonyms without a key, as `driftwarden compare` shows them: a hash of 64 bits.
UNKEYED_PSEUDONYM = re.compile(rf"\A{PREFIX}[0-9a-f]{{16}}\Z")


@dataclass(frozen=True)
class Key:
    """A key of pseudonyms. Its uses are told apart by a word that is hashed first."""

    secret: bytes = field(repr=False)

    def __reduce__(self) -> tuple[type["Key"], tuple[bytes]]:
        """Pickle the secret: what is computed once can't be pickled."""
        return Key, (self.secret,)

    @cached_property
    def check_value(self) -> str:
        """Return what identifies the key; the key can't be derived from it."""
        return self._mac("check", "").hex()

    @cached_property
    def tag(self) -> str:
        """Return the part of the check value that is in each pseudonym."""
        return self.check_value[:4]

    def pseudonym(self, normalized: str) -> str:
        """Return the pseudonym of a normalized id: 128 bits of HMAC-SHA-256."""
        characters = b32encode(self._mac("pseudonym", normalized)[:16]).decode().lower()
        return f"{PREFIX}{self.tag}-{characters.rstrip('=')}"

    def suppression_digest(self, pseudonym: str) -> str:
        """Return the digest under which the suppression list has a pseudonym, of any key."""
        return self._mac("suppression", pseudonym)[:16].hex()

    def erasure_digest(self, name: str) -> str:
        """Return the digest under which records of erasures and exports name an end user."""
        return self._mac("erasure", name)[:16].hex()

    def proof_key(self, secret: str) -> bytes:
        """Return the key of the fingerprints of erasures that a stored secret makes of this one."""
        return self._mac("proof", secret)

    def _mac(self, use: str, text: str) -> bytes:
        mac = self._begun.copy()  # half the time of a new one
        mac.update(f"driftwarden.{use}\n{text}".encode("utf-8", "surrogatepass"))
        return mac.digest()

    @cached_property
    def _begun(self) -> hmac.HMAC:
        return hmac.new(self.secret, digestmod="sha256")


def tag_of(end_user: str) -> str:
    """Return the tag of the key of a pseudonym; empty of other ids."""
    match = PSEUDONYM.match(end_user)
    return match[1] if match else ""
