"""Measure the CPU time of redaction on five texts of 4,096 characters.

Prints the least time of each text. To compare with another version run it in both checkouts, one
after the other: `python -m bench.traffic.redaction_cost`.
"""

import sys
import time
from collections.abc import Callable, Mapping

from monitor.traffic.redaction import Redactor

N_CHARACTERS = 4096
N_ROUNDS = 15
N_CALLS = 5
#: Sentence by the name of its text, which repeats it.
SENTENCES: Mapping[str, str] = {
    'prose without a digit, with "pass", "pins" and "code" in each sentence': (
        "Please code the pins so that users pass the gate and move on to the next section of the "
        "guide without delay. "
    ),
    "French prose with accents": (
        "Le système a été réparé hier matin, et les équipes françaises ont déjà vérifié les "
        "réglages à Orléans près du café. "
    ),
    "prose with dates, prices and versions": (
        "On 2026-11-24 at 10:15 version 3.0.12 cost 1,250.00 EUR, and 12 of 48 items were shipped "
        "to us by 14:30 on 3 May. "
    ),
    "prose with an address, a phone number and a card number every 230 characters": (
        "Our customer writes from ann.o@mail.example.co.uk about her order and asks that somebody "
        "calls +44 20 7946 0958 in the afternoon, because the card 4111 1111 1111 1111 was "
        "declined twice by the terminal, and that we answer soon. "
    ),
    "French prose in JSON that escapes all but ASCII": (
        r"L\u2019\u00e9t\u00e9 \u00e0 Orl\u00e9ans \u00ab\u00a0o\u00f9\u00a0\u00bb "
        r"a \u00e9t\u00e9 d\u00e9j\u00e0 "
    ),
}


def text_of(sentence: str) -> str:
    """Return a text that repeats a sentence."""
    return (sentence * (N_CHARACTERS // len(sentence) + 1))[:N_CHARACTERS]


def measure(redact: Callable[[str], str], text: str, n_rounds: int = N_ROUNDS) -> float:
    """Return the least CPU time of a call in seconds."""
    least = float("inf")
    for _ in range(n_rounds):
        start = time.process_time()
        for _ in range(N_CALLS):
            redact(text)
        least = min(least, (time.process_time() - start) / N_CALLS)
    return least


def main() -> int:
    """Print the figures."""
    redact = Redactor().redact
    for name, sentence in SENTENCES.items():
        microseconds = 1e6 * measure(redact, text_of(sentence))
        sys.stdout.write(f"{microseconds:8,.0f} us  {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
