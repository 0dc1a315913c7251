"""Fuzzer of the decoder with mutated fixtures: `python -m tests.fuzz.records --seconds 300`.

It ends at the first record that gives something other than exchanges or a RecordError, and writes
that record to a file; seed and number reproduce it.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.support.traffic.fixture_files import NAMES, OTLP_NAMES, as_protobuf, load, values
from tests.support.traffic.hostile_records import check, mutated, mutated_json

#: A record that takes longer than this to decode is a way to stop a daemon.
SLOW_SECONDS = 1.0
#: Mutations of mutations are kept up to this size, so that changes add up.
KEPT_BYTES = 20_000
KEPT = 500


def main() -> int:
    """Fuzz for a time or a number of executions, and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--executions", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    result, slowest = fuzz(arguments.seed, arguments.executions, arguments.seconds)
    print(f"{sum(result.values()):,} executions, seed {arguments.seed}, slowest {slowest:.3f} s")
    for subject, count in result.most_common():
        print(f"  {subject:20} {count:>12,}")
    return 0


def fuzz(seed: int, executions: int, seconds: float) -> tuple[Counter[str], float]:
    """Return the outcomes of the records, and the longest time of a record.

    Raises:
        AssertionError: A record gave neither exchanges nor a RecordError, or took too long.
    """
    rng = random.Random(seed)
    mutator = Mutator(rng)
    result: Counter[str] = Counter()
    slowest = 0.0
    end = time.monotonic() + seconds
    for number in range(executions):
        if time.monotonic() > end:
            break
        record = mutator.next()
        began = time.process_time()
        try:
            came_of_it = check(record, join={"enabled": number % 2 == 0})
            took = time.process_time() - began
            assert took < SLOW_SECONDS, f"took {took:.1f} s"
        except Exception as failure:
            path = Path(f"fuzz-{seed}-{number}.bin")
            path.write_bytes(record)
            raise AssertionError(f"number {number}, seed {seed}, {path}: {failure!r}") from failure
        slowest = max(slowest, took)
        if came_of_it not in result or (came_of_it in {"exchange", "half"} and rng.random() < 0.05):
            mutator.keep(record)
        result[came_of_it] += 1
    return result, slowest


class Mutator:
    """A generator of mutated fixtures: by bytes, by structure, or both."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._contents = [load(name) for name in NAMES]
        self._messages = [load(name) for name in OTLP_NAMES]
        self._seeds = [value for name in NAMES for value in values(name)]
        self._kept: list[bytes] = []

    def next(self) -> bytes:
        """Return the next record."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.4:
            original = rng.choice(self._kept) if self._kept and kind < 0.1 else None
            return mutated(original or rng.choice(self._seeds), rng, self._seeds)
        if kind < 0.85:
            content = mutated_json(rng.choice(self._contents), rng, self._contents)
            record = json.dumps(content).encode()
            return mutated(record, rng, self._seeds) if kind < 0.45 else record
        content = mutated_json(rng.choice(self._messages), rng, self._contents)
        try:
            record = as_protobuf(content)
        except Exception:  # noqa: BLE001 - what protobuf can't say can't come in protobuf
            return json.dumps(content).encode()
        return mutated(record, rng, self._seeds) if kind < 0.9 and record else record

    def keep(self, record: bytes) -> None:
        """Add a record to the pool of mutation."""
        if 0 < len(record) < KEPT_BYTES:
            self._kept = [*self._kept[-KEPT:], record]


if __name__ == "__main__":
    sys.exit(main())
