"""Packed columns: the values of lists, in files and numbers."""

import gc
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from monitor.store.traffic.packed_columns import (
    PackedColumn,
    PackedNames,
    PackedTimes,
    packed_json,
    packed_texts,
)
from monitor.store.traffic.spool import is_spooled, spooled_array, take_rows

START = datetime(2026, 11, 27, tzinfo=UTC)
VALUES: dict[str, tuple[PackedColumn[Any], list[Any]]] = {
    "texts": (packed_texts(), ["", "a", "ü€🚀", "\ud800", "x" * 5000] * 1800),
    "json": (packed_json(), [{}, {"n": 1, "f": 0.25, "s": "é", "b": True, "x": None}] * 4500),
    "names": (PackedNames(), ["", "user-1", "user-2", "ü"] * 2250),
    "times": (
        PackedTimes(),
        [START + k * timedelta(seconds=1, microseconds=7) for k in range(9000)],
    ),
}


@pytest.mark.parametrize("kind", VALUES)
def test_packed_column_has_the_values_of_a_list(kind: str) -> None:
    packed, values = VALUES[kind]
    for start in range(0, len(values), 1000):
        packed.append(values[start : start + 1000])
    assert len(packed) == len(values)
    assert list(packed) == values
    assert packed[17:5000:3] == values[17:5000:3]
    assert (packed[-1], packed[4]) == (values[-1], values[4])
    rows = np.array([8000, 3, 3, 77])
    taken = packed.take(rows).take(np.array([3, 0]))
    assert list(taken) == [values[77], values[8000]]
    with pytest.raises(IndexError):
        packed[len(values)]


def test_packed_values_apply_a_function_when_read() -> None:
    packed = packed_json()
    packed.append([{"version": 1, "n": 2}])
    mapped = packed.mapped(lambda row: {"n": row["n"]})
    assert (list(mapped), list(packed)) == ([{"n": 2}], [{"version": 1, "n": 2}])


@pytest.mark.slow
def test_spooled_array_and_its_rows_lie_in_files() -> None:
    values = np.arange(40_000, dtype=np.float16).reshape(10_000, 4) % 100
    array = spooled_array(values.shape, np.float16)
    array[:] = values
    rows = np.random.default_rng(0).permutation(10_000)
    taken = take_rows(array, rows)
    assert is_spooled(array)
    assert is_spooled(taken)
    assert is_spooled(taken[5:])
    assert not is_spooled(values)
    np.testing.assert_array_equal(taken, values[rows])
    del array
    gc.collect()
    np.testing.assert_array_equal(taken, values[rows])
    assert spooled_array((0, 4), np.float16).shape == (0, 4)
