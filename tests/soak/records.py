"""Records of a soak, determined by seed and number."""

import json
import random
from dataclasses import dataclass

#: Values that can't be read, each with the reason that its dead letter must carry.
UNREADABLE: tuple[tuple[bytes | None, str], ...] = (
    (None, "null_value"),
    (b"", "empty_value"),
    (b'{"prompt": "cut o', "invalid_json"),
    (b'{"prompt": "\xff"}', "invalid_utf8"),
    (b"[" * 20_000, "too_deep"),
    (b'{"prompt": 7}', "wrong_type"),
    (b'{"prompt": "when?", "timestamp": 0}', "bad_timestamp"),
)
SHARE_UNREADABLE = 0.03
WORDS = ("please", "raise", "the", "limit", "of", "my", "card", "because", "a", "till", "refused")
ID_HEADER = "x-request-id"


@dataclass(frozen=True)
class SoakRecord:
    """A produced record."""

    number: int
    key: bytes | None
    headers: list[tuple[str, bytes]]
    value: bytes | None
    prompt: str
    #: Why it can't be read; empty where it can.
    reason: str

    @property
    def exchange_id(self) -> str:
        """The expected id of its row."""
        return f"r{self.number}"


def make_record(seed: int, number: int) -> SoakRecord:
    """Return record ``number``, identified by its key, by a header or by its position."""
    rng = random.Random(f"{seed}/{number}")
    key: bytes | None = b"request-%d" % number
    headers: list[tuple[str, bytes]] = []
    kind = rng.random()
    if kind < 0.15:  # the key is a user's, the header names the request
        key = b"user-%d" % rng.randrange(200)
        headers = [("source", b"soak"), (ID_HEADER, b"id-%d" % number)]
    elif kind < 0.30:  # a user's requests are kept or left together
        key = b"user-%d" % rng.randrange(2000)
    elif kind < 0.40:
        key = None
    prompt = f"{number} " + " ".join(rng.choices(WORDS, k=rng.randrange(3, 60)))
    value: bytes | None = json.dumps(
        {
            "id": f"r{number}",
            "model": "assistant",
            "prompt": prompt,
            "response": " ".join(rng.choices(WORDS, k=rng.randrange(1, 120))),
        }
    ).encode()
    reason = ""
    if rng.random() < SHARE_UNREADABLE:
        value, reason = rng.choice(UNREADABLE)
        key = key or b"request-%d" % number  # a record has a key or a value
    return SoakRecord(number, key, headers, value, prompt, reason)
