"""Simulated servers whose responses flip by batching, load or replicas, and years of probes."""

import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unittest.mock import patch

from retrain.probes import comparison
from retrain.probes.comparison import Reference
from retrain.probes.judging import N_REFERENCE

N_ITEMS = 60
#: Runs of a year, two a day.
RUNS_A_YEAR = 730
CHARACTERS = 60
Run = dict[str, list[str]]


@dataclass(frozen=True)
class Kind:
    """A kind of server.

    Attributes:
        name: Its name in the table.
        sensitive: Share of prompts whose responses flip at all.
        flips: Mean probability of a flip of such a prompt.
        alternatives: Number of other responses that it flips to.
        load: Standard deviation of the logarithm of the factor by which flips vary from run to run.
        replicas: Number of replicas, of which 15% of the responses differ.
    """

    name: str
    sensitive: float
    flips: float
    alternatives: int = 3
    load: float = 0.0
    replicas: int = 1


KINDS = (
    Kind("deterministic", 0.0, 0.2),
    Kind("rare flips: 0.6% of responses", 0.3, 0.02),
    Kind("usual batching: 6%", 0.3, 0.2),
    Kind("long responses: 40%", 0.8, 0.5, alternatives=6),
    Kind("6%, and load that varies by a factor of 1.5", 0.4, 0.15, load=0.4),
    Kind("24%, the same load, 40 other responses", 0.8, 0.3, alternatives=40, load=0.4),
    Kind("6%, and load that varies by a factor of 2", 0.4, 0.15, load=0.7),
    Kind("two unlike replicas", 0.2, 0.1, replicas=2),
)


class Server:
    """A server of one kind."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.random = random.Random(seed)
        first = [self._text() for _ in range(N_ITEMS)]
        self.replicas = [first] + [
            [self._text() if self.random.random() < 0.15 else text for text in first]
            for _ in range(kind.replicas - 1)
        ]
        self.flipped = [
            [
                text[: self.random.randrange(CHARACTERS)] + self._text()
                for _ in range(kind.alternatives)
            ]
            for text in first
        ]
        shape = 2 / kind.flips - 2
        self.flips = [
            self.random.betavariate(2, shape) if self.random.random() < kind.sensitive else 0.0
            for _ in range(N_ITEMS)
        ]

    def load(self) -> float:
        """Return the factor of a run's flips."""
        return self.random.lognormvariate(0, self.kind.load) if self.kind.load else 1.0

    def run(self, load: float, swapped: Sequence[str | None] = ()) -> Run:
        """Return the responses of a run; of another model where ``swapped`` has one."""
        return {
            str(item): [self._response(item, load, swapped) for _ in range(2)]
            for item in range(N_ITEMS)
        }

    def swap(self, share: float) -> list[str | None]:
        """Return the responses of another model, which differs in a share of the prompts."""
        n = round(share * N_ITEMS)
        changed = set(self.random.sample(range(N_ITEMS), n))
        return [self._text() if item in changed else None for item in range(N_ITEMS)]

    def _response(self, item: int, load: float, swapped: Sequence[str | None]) -> str:
        other = swapped[item] if swapped else None
        text = other or self.random.choice(self.replicas)[item]
        if self.random.random() < min(0.95, self.flips[item] * load):
            tail = self.random.choice(self.flipped[item])
            return tail if other is None else other[:20] + tail
        return text

    def _text(self) -> str:
        return "".join(self.random.choices("abcdefghijklmnop ", k=CHARACTERS))


def false_incidents(kind: Kind, seed: int, runs: int = RUNS_A_YEAR) -> int:
    """Return the incidents of a year in which nothing changes, from the first reference run on.

    The run that confirms has the load of the one before: half an hour lies between them.
    """
    server = Server(kind, seed)
    with _remembered_distances():
        incidents = 0
        taken = [server.run(server.load())]
        reference, is_open = Reference(taken), False
        for _ in range(runs + N_REFERENCE - 1):
            load = server.load()
            result = server.run(load)
            if _is_suspicious(reference, result):
                confirmed = _is_suspicious(reference, server.run(load))
                incidents += confirmed and not is_open
                is_open = confirmed
                continue
            is_open = False
            if len(taken) < N_REFERENCE:
                taken.append(result)
                reference = Reference(taken)
    return incidents


def finds_swaps(kind: Kind, seed: int, shares: Sequence[float]) -> list[bool]:
    """Return whether the first run after each swap, and the one that confirms, are suspicious.

    Args:
        kind: The kind of server.
        seed: Seed of the server.
        shares: Share of the responses that each swap changes.
    """
    server = Server(kind, seed)
    with _remembered_distances():
        reference = Reference([server.run(server.load()) for _ in range(N_REFERENCE)])
        matches = []
        for share in shares:
            swapped, load = server.swap(share), server.load()
            runs = [server.run(load, swapped) for _ in range(2)]
            matches.append(all(_is_suspicious(reference, run) for run in runs))
    return matches


def _is_suspicious(reference: Reference, run: Run) -> bool:
    result = reference.compare(run)
    return result is not None and result.is_suspicious


def _remembered_distances() -> AbstractContextManager[Any]:
    """Remember distances: a simulated server repeats few responses in many runs."""
    return patch.object(comparison, "distance", lru_cache(1 << 18)(comparison.distance))
