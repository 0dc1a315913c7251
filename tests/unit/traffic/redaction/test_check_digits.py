"""Quick sums of digits refuse no number that is valid."""

import random
from importlib import import_module

import pytest

from monitor.traffic.redaction.national_ids import OF_DIGITS, NationalId

WITH_TOTAL = [kind for kind in OF_DIGITS if kind.total]
#: Digits of each kind.
LENGTHS = {"kr.rrn": 13, "ro.cnp": 13}


def dated_numbers(kind: NationalId, n: int) -> list[str]:
    """Return random numbers with a date, as a Romanian or Norwegian one, or any other, has it."""
    rng = random.Random(kind.form)
    year, month, day = ([f"{k:02d}" for k in range(1, end)] for end in (100, 13, 29))
    order = (day, month, year) if kind.module == "no.fodselsnummer" else (year, month, day)
    first = "1" if kind.module == "ro.cnp" else ""
    dates = [first + "".join(map(rng.choice, order)) for _ in range(n)]
    length = LENGTHS.get(kind.module, 11)
    return [date + "".join(rng.choices("0123456789", k=length - len(date))) for date in dates]


@pytest.mark.parametrize("kind", WITH_TOTAL, ids=lambda kind: f"{kind.module}-{kind.form[:8]}")
def test_total_of_each_valid_number_is_right(kind: NationalId) -> None:
    numbers, is_valid = dated_numbers(kind, 2_000), import_module(f"stdnum.{kind.module}").is_valid
    valid = [number for number in numbers if is_valid(number)]

    assert kind.total
    assert len(valid) >= 5
    assert all(map(kind.total.is_right, valid))
    assert sum(map(kind.total.is_right, numbers)) < len(numbers) / 4
