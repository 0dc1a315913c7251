"""Exchanges in the containers of notebooks."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from monitor.errors import InputError
from monitor.windows.exchanges import containers
from monitor.windows.exchanges.containers import encode_object, iter_objects
from tests.support.lazy_modules import arrow as pa
from tests.support.lazy_modules import datasets
from tests.support.lazy_modules import pandas as pd
from tests.support.lazy_modules import polars as pl
from tests.support.refusals import refusal

EXCHANGES: list[dict[str, Any]] = [
    {
        "prompt": "Where is my parcel?",
        "response": "On its way.",
        "user": 3,
        "timestamp": datetime(2026, 11, 2, tzinfo=UTC),
        "metadata": {"latency": 1.5, "retries": None},
    },
    {
        "prompt": "<b>And now?</b>",
        "response": None,
        "user": None,
        "timestamp": None,
        "metadata": {"latency": None, "retries": 2},
    },
]


def frame() -> Any:
    """Return a frame in which NaN, NaT and NA are missing, and integers are floats."""
    made = pd.DataFrame(EXCHANGES, index=[7, 7])
    assert made.user.dtype.kind == "f"
    assert pd.isna(made.timestamp.iloc[1])
    return made.astype({"response": "string"})


CONTAINERS: dict[str, Callable[[], Any]] = {
    "list": lambda: EXCHANGES,
    "iterator": lambda: iter(EXCHANGES),
    "mappings": lambda: [MappingProxyType(row) for row in EXCHANGES],
    "pandas": frame,
    "polars": lambda: pl.DataFrame(EXCHANGES),
    "polars lazy": lambda: pl.DataFrame(EXCHANGES).lazy(),
    "Arrow": lambda: pa.Table.from_pylist(EXCHANGES),
    "Arrow batch": lambda: pa.RecordBatch.from_pylist(EXCHANGES),
    "data set": lambda: datasets.Dataset.from_list(EXCHANGES),
    "data set in tensors": lambda: datasets.Dataset.from_list(EXCHANGES).with_format("torch"),
    "data set as a stream": lambda: datasets.Dataset.from_list(EXCHANGES).to_iterable_dataset(),
}


def read(exchanges: Any) -> list[Any]:
    return [
        json.loads(encode_object(row, index, "current"))
        for index, row in enumerate(iter_objects(exchanges, "current"))
    ]


def comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what is missing, and with its time as one."""
    present = {key: value for key, value in row.items() if value is not None}
    if "timestamp" in present:
        present["timestamp"] = datetime.fromisoformat(str(present["timestamp"]))
    present["metadata"] = {k: v for k, v in present["metadata"].items() if v is not None}
    return present


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container_gives_the_same_exchanges(container: str) -> None:
    rows = read(CONTAINERS[container]())
    assert list(map(comparable, rows)) == list(map(comparable, EXCHANGES))


def test_integers_beside_missing_values_are_integers_in_all_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(containers, "CHUNK_ROWS", 1)
    columns = {"user": [3, None], "score": [0.5, None], "large": [1e300, None]}
    rows = read(pd.DataFrame({"prompt": ["a", "b"], **columns}))
    assert [row["user"] for row in rows] == [3, None]
    assert isinstance(rows[0]["user"], int)
    assert [(row["score"], row["large"]) for row in rows] == [(0.5, 1e300), (None, None)]


def test_values_of_numpy_and_pandas_become_json() -> None:
    row = {
        "prompt": np.str_("a"),
        "user": np.int64(3),
        "task_type": pd.Categorical(["cards"])[0],
        "timestamp": np.datetime64("2026-11-02T00:00"),
        "metadata": {
            "latency": np.float32(1.5),
            "undefined": np.float64("nan"),
            "missing": pd.NA,
            "never": pd.NaT,
            "resolved": np.bool_(True),
            "cost": Decimal("0.5"),
            "tokens": np.array([1, 2]),
        },
    }
    assert read([row]) == [
        {
            "prompt": "a",
            "user": 3,
            "task_type": "cards",
            "timestamp": "2026-11-02T00:00",
            "metadata": {
                "latency": 1.5,
                "undefined": None,
                "missing": None,
                "never": None,
                "resolved": True,
                "cost": "0.5",
                "tokens": [1, 2],
            },
        }
    ]


def test_half_a_surrogate_pair_is_escaped() -> None:
    assert read([{"prompt": "\ud800", "metadata": {"x": float("nan")}}]) == [
        {"prompt": "\ud800", "metadata": {"x": None}}
    ]


REFUSED: tuple[tuple[Callable[[], Any], str], ...] = (
    (lambda: EXCHANGES[0], "no_exchanges"),
    (lambda: datasets.DatasetDict(train=datasets.Dataset.from_list(EXCHANGES)), "no_exchanges"),
    (lambda: None, "no_exchanges"),
    (lambda: 5, "no_exchanges"),
    (lambda: b"bytes", "no_exchanges"),
    (lambda: pd.DataFrame([["a", "b"]], columns=["prompt", "prompt"]), "repeated_column"),
    (lambda: ["a text"], "no_exchange"),
    (lambda: pd.Series(["a text"]), "no_exchange"),
    (lambda: np.zeros((2, 2)), "no_exchange"),
    (lambda: [{"prompt": object()}], "no_json"),
    (lambda: [{("a", "b"): 1}], "no_json"),
)


@pytest.mark.parametrize(("make", "code"), REFUSED)
def test_container_without_exchanges_is_refused(make: Callable[[], Any], code: str) -> None:
    with refusal(code, InputError, match="current"):
        read(make())
