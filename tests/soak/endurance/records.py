"""Records that cost little to make: numbered, with a response from a pool."""

import random
from functools import cache

from tests.soak.records import WORDS, SoakRecord

N_RESPONSES = 512
RESPONSE_WORDS = 160
PROMPT = "please raise the limit of my card because a till refused it"


def make_steady_record(seed: int, number: int) -> SoakRecord:
    """Return record ``number``, of about 1 kB, identified by its key."""
    prompt = f"{number} {PROMPT}"
    value = b'{"id":"r%d","model":"assistant","prompt":"%s","response":"%s"}' % (
        number,
        prompt.encode(),
        _responses(seed)[number % N_RESPONSES],
    )
    return SoakRecord(number, b"request-%d" % number, [], value, prompt, "")


@cache
def _responses(seed: int) -> tuple[bytes, ...]:
    rng = random.Random(f"{seed}/responses")
    alphabet = "etaoinshrdlucm"
    words = [*WORDS, *("".join(rng.choices(alphabet, k=rng.randrange(3, 9))) for _ in range(2000))]
    return tuple(
        " ".join(rng.choices(words, k=RESPONSE_WORDS)).encode() for _ in range(N_RESPONSES)
    )
