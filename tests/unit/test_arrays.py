"""Vectors in the containers of notebooks, and what is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from monitor.arrays import read_array
from tests.support.lazy_modules import arrow as pa
from tests.support.lazy_modules import pandas as pd
from tests.support.lazy_modules import polars as pl
from tests.support.lazy_modules import torch

VECTORS: NDArray[np.float32] = np.eye(4, 3, dtype=np.float32)
ROWS: list[list[float]] = VECTORS.tolist()


def objects() -> NDArray[Any]:
    column = np.empty(4, dtype=object)
    column[:] = list(VECTORS)
    return column


def fixed(rows: list[list[float]]) -> Any:
    return pa.array(rows, pa.list_(pa.float32(), 3))


CONTAINERS: dict[str, Callable[[], Any]] = {
    "lists": lambda: ROWS,
    "iterator": lambda: iter(ROWS),
    "list of arrays": lambda: list(VECTORS),
    "list of tensors": lambda: [torch.tensor(row, requires_grad=True) for row in ROWS],
    "decimals": lambda: [[Decimal(value) for value in row] for row in ROWS],
    "object array": objects,
    "object matrix": lambda: np.array(ROWS, dtype=object),
    "float16": lambda: VECTORS.astype(np.float16),
    "tensor with gradients": lambda: torch.tensor(VECTORS, requires_grad=True) * 1,
    "bfloat16": lambda: torch.tensor(VECTORS, dtype=torch.bfloat16),
    "float8": lambda: torch.tensor(VECTORS).to(torch.float8_e4m3fn),
    "sparse tensor": lambda: torch.tensor(VECTORS).to_sparse(),
    "parameter": lambda: torch.nn.Parameter(torch.tensor(VECTORS)),
    "pandas column": lambda: pd.Series(ROWS, index=[9, 9, 3, 1]),
    "pandas frame": lambda: pd.DataFrame(VECTORS),
    "pandas frame of a column": lambda: pd.DataFrame({"embedding": list(VECTORS)}),
    "pandas nullable frame": lambda: pd.DataFrame(VECTORS).astype("Float32"),
    "pandas Arrow column": lambda: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(ROWS))),
    "polars lists": lambda: pl.Series(ROWS),
    "polars arrays": lambda: pl.Series(ROWS, dtype=pl.Array(pl.Float32, 3)),
    "polars frame": lambda: pl.DataFrame(VECTORS),
    "polars lazy frame": lambda: pl.DataFrame({"embedding": ROWS}).lazy(),
    "Arrow lists": lambda: pa.array(ROWS),
    "Arrow fixed lists": lambda: fixed([[9.0] * 3, *ROWS])[1:],
    "Arrow chunks": lambda: pa.chunked_array([fixed(ROWS[:1]), fixed(ROWS[1:])]),
    "Arrow table": lambda: pa.table({"embedding": ROWS}),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_each_container_gives_the_same_vectors(container: str) -> None:
    read = read_array(CONTAINERS[container](), "current")
    assert read.shape == (4, 3)
    assert read.dtype.kind == "f"
    assert np.array_equal(read.astype(np.float32), VECTORS)


EMPTY: tuple[Callable[[], Any], ...] = (
    list,
    lambda: iter([]),
    lambda: pd.Series([], dtype=object),
    lambda: np.empty(0, dtype=object),
)


@pytest.mark.parametrize("empty", EMPTY)
def test_no_rows_are_an_empty_matrix(empty: Callable[[], Any]) -> None:
    assert read_array(empty(), "current").shape == (0, 0)


#: What is refused, the error, and what its message names.
REFUSED: tuple[tuple[Callable[[], Any], type[Exception], str], ...] = (
    (lambda: [[1.0, 0.0], [1.0]], ValueError, "row 1"),
    (lambda: [[1.0, 0.0], None], ValueError, "row 1 is missing"),
    (lambda: pd.Series([ROWS[0], np.nan]), ValueError, "row 1 is missing"),
    (lambda: pa.array([None, *ROWS]), ValueError, "row 0 is missing"),
    (lambda: [[[1.0], [1.0, 2.0]]], ValueError, "row 0"),
    (lambda: pd.DataFrame({"a": ["x"], "b": [1.0]}), TypeError, r"columns \(a, b"),
    (lambda: pl.DataFrame({"a": ["x"], "b": [[1.0]]}), TypeError, r"columns \(a, b"),
    (lambda: np.ma.masked_array(VECTORS, mask=VECTORS > 0), ValueError, "masked"),
    (lambda: sparse.csr_array(VECTORS), ValueError, "toarray"),
    (lambda: torch.zeros((2, 3), device="meta"), ValueError, "meta"),
    (lambda: torch.zeros((2, 3), dtype=torch.complex64), ValueError, "complex"),
    (lambda: ["a text"], TypeError, "compare_exchanges"),
    (lambda: [{"prompt": "a text"}], TypeError, "compare_exchanges"),
    (lambda: "a text", TypeError, "holds no vectors"),
    (lambda: {"a": ROWS}, TypeError, "holds no vectors"),
    (lambda: {1.0}, TypeError, "holds no vectors"),
    (lambda: None, TypeError, "holds no vectors"),
    (lambda: 5, TypeError, "holds no vectors"),
    (lambda: pa.table({"first": ROWS, "second": ROWS}), TypeError, "first, second"),
)


@pytest.mark.parametrize(("make", "error", "named"), REFUSED)
def test_a_refusal_names_the_argument_and_the_place(
    make: Callable[[], Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named) as refusal:
        read_array(make(), "current")
    assert str(refusal.value).startswith("current")
    assert "a text" not in str(refusal.value)
