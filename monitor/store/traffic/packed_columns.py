"""Columns of a large window: a few bytes of memory for each exchange instead of Python objects.

Texts lie in a spool file and are decoded where they are read; names that repeat, such as end users,
are numbers of a list; times are numbers. All are sequences like the lists of small windows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Self, TypeVar, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.spool import Spool

T = TypeVar("T")

#: Values that are read one after the other.
BLOCK = 4_096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PackedColumn(Sequence[T], Generic[T]):
    """A column whose values are made when they are read."""

    #: The rows that a choice of another column has; ``None``: all.
    rows: NDArray[np.int32] | None = None

    def append(self, values: Iterable[T]) -> None:
        """Append values; a column that was read, or whose rows were taken, ends."""
        raise NotImplementedError

    def _stored(self) -> int:
        raise NotImplementedError

    def _read(self, rows: NDArray[np.int64]) -> list[T]:
        """Return the values of stored rows."""
        raise NotImplementedError

    def _copy(self) -> Self:
        copy = self.__class__.__new__(self.__class__)
        copy.__dict__.update(self.__dict__)
        return copy

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the values, which share the memory of these."""
        taken = self._copy()
        taken.rows = np.asarray(rows if self.rows is None else self.rows[rows], dtype=np.int32)
        return taken

    def __len__(self) -> int:
        """Return the number of values."""
        return self._stored() if self.rows is None else len(self.rows)

    @overload
    def __getitem__(self, row: int) -> T: ...
    @overload
    def __getitem__(self, row: slice) -> list[T]: ...
    def __getitem__(self, row: int | slice) -> T | list[T]:
        """Return a value, or a list of some."""
        if isinstance(row, slice):
            return self._read_block(np.arange(*row.indices(len(self))))
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self._read_block(np.array([row % len(self)]))[0]

    def __iter__(self) -> Iterator[T]:
        """Yield all values."""
        for start in range(0, len(self), BLOCK):
            yield from self._read_block(np.arange(start, min(start + BLOCK, len(self))))

    def _read_block(self, rows: NDArray[np.int64]) -> list[T]:
        return self._read(rows if self.rows is None else self.rows[rows].astype(np.int64))


class PackedValues(PackedColumn[T]):
    """Texts, or what is stored as JSON, in a spool file."""

    def __init__(self, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        """Start an empty column."""
        self._encode, self.decode = encode, decode
        self._spool = Spool()
        self._parts: list[NDArray[np.int64]] = [np.zeros(1, dtype=np.int64)]
        self._ends: NDArray[np.int64] | None = None

    def append(self, values: Iterable[T]) -> None:
        """Append values."""
        encoded = [self._encode(value) for value in values]
        ends = np.cumsum([len(data) for data in encoded], dtype=np.int64) + self._spool.size
        self._spool.append(b"".join(encoded))
        self._parts.append(ends)

    def mapped(self, function: Callable[[T], T]) -> "PackedValues[T]":
        """Return the column with a function applied to each value as it is read."""
        mapped, decode = self._copy(), self.decode
        mapped.decode = lambda data: function(decode(data))
        return mapped

    def _bounds(self) -> NDArray[np.int64]:
        if self._ends is None:
            self._ends, self._parts = np.concatenate(self._parts), []
        return self._ends

    def _stored(self) -> int:
        return len(self._bounds()) - 1

    def _read(self, rows: NDArray[np.int64]) -> list[T]:
        bounds = self._bounds()
        starts, ends = bounds[rows].tolist(), bounds[rows + 1].tolist()
        if len(rows) > 1 and int(rows[-1]) - int(rows[0]) == len(rows) - 1:
            first = starts[0]  # one after the other
            data = self._spool.read(first, ends[-1])
            return [
                self.decode(data[start - first : end - first])
                for start, end in zip(starts, ends, strict=True)
            ]
        read = self._spool.read
        return [self.decode(read(start, end)) for start, end in zip(starts, ends, strict=True)]


class PackedNames(PackedColumn[str]):
    """Names that repeat."""

    def __init__(self) -> None:
        """Start an empty column."""
        self._number: dict[str, int] = {}
        self._names: list[str] = []
        self._parts: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        self._codes: NDArray[np.int32] | None = None

    def append(self, values: Iterable[str]) -> None:
        """Append names."""
        number = self._number
        codes = [number.setdefault(name, len(number)) for name in values]
        self._names.extend(list(number)[len(self._names) :])
        self._parts.append(np.array(codes, dtype=np.int32))

    def _all(self) -> NDArray[np.int32]:
        if self._codes is None:
            self._codes, self._parts, self._number = np.concatenate(self._parts), [], {}
        return self._codes

    def _stored(self) -> int:
        return len(self._all())

    def _read(self, rows: NDArray[np.int64]) -> list[str]:
        names = self._names
        return [names[code] for code in self._all()[rows].tolist()]


class PackedTimes(PackedColumn[datetime]):
    """Times, to the microsecond, in UTC."""

    def __init__(self) -> None:
        """Start an empty column."""
        self._parts: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        self._times: NDArray[np.int64] | None = None

    def append(self, values: Iterable[datetime]) -> None:
        """Append times."""
        numbers = [(value - _EPOCH) // _MICROSECOND for value in values]
        self._parts.append(np.array(numbers, dtype=np.int64))

    def _all(self) -> NDArray[np.int64]:
        if self._times is None:
            self._times, self._parts = np.concatenate(self._parts), []
        return self._times

    def _stored(self) -> int:
        return len(self._all())

    def _read(self, rows: NDArray[np.int64]) -> list[datetime]:
        return [_EPOCH + timedelta(microseconds=number) for number in self._all()[rows].tolist()]


def packed_texts() -> PackedValues[str]:
    """Return an empty column of texts; lone surrogates stay as they are."""
    return PackedValues(
        lambda text: text.encode("utf-8", "surrogatepass"),
        lambda data: data.decode("utf-8", "surrogatepass"),
    )


def packed_json() -> PackedValues[dict[str, Any]]:
    """Return an empty column of JSON objects."""
    return PackedValues(msgspec.json.Encoder().encode, msgspec.json.Decoder(dict[str, Any]).decode)
