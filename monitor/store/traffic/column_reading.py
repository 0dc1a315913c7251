"""Columns of a window as they are read: lists, or packed where the window is large."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from monitor.store.traffic.exchange_columns import ExchangeColumn
from monitor.store.traffic.packed_columns import (
    PackedColumn,
    PackedNames,
    PackedTimes,
    packed_json,
    packed_texts,
)


class Collector(Protocol):
    """Collects the values of a column as they are read."""

    def append(self, values: Iterable[Any]) -> None:
        """Append values."""

    def column(self) -> Any:
        """Return the column."""


class _CollectedValues:
    """A list of Python objects, or a small array."""

    def __init__(self, declared: ExchangeColumn) -> None:
        self._declared = declared
        self._values: list[Any] = []

    def append(self, values: Iterable[Any]) -> None:
        self._values.extend(values)

    def column(self) -> Any:
        return self._declared.of(self._values)


class CollectedNumbers:
    """A large array."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._parts = [np.zeros(0, dtype)]

    def append(self, values: Iterable[Any]) -> None:
        """Append numbers."""
        self._parts.append(np.array(list(values), dtype=self._parts[0].dtype))

    def column(self) -> NDArray[Any]:
        """Return the array."""
        joined = np.concatenate(self._parts)
        self._parts = []
        return joined


class _CollectedPacked:
    """A packed column."""

    def __init__(self, packed: PackedColumn[Any]) -> None:
        self._packed = packed

    def append(self, values: Iterable[Any]) -> None:
        self._packed.append(values)

    def column(self) -> PackedColumn[Any]:
        return self._packed


#: How a column of a large window is packed; the others are names that repeat.
_PACKED: dict[str, Callable[[], PackedColumn[Any]]] = {
    "exchange_ids": packed_texts,
    "prompts": packed_texts,
    "responses": packed_texts,
    "attributes": packed_json,
    "occurred_at": PackedTimes,
}


def collector_of(name: str, declared: ExchangeColumn, *, is_packed: bool) -> Collector:
    """Return the collector of a column.

    The name is an attribute of the exchanges; a column of large windows is packed.
    """
    if not is_packed:
        return _CollectedValues(declared)
    if declared.dtype:
        return CollectedNumbers(declared.dtype)
    return _CollectedPacked(_PACKED.get(name, PackedNames)())
