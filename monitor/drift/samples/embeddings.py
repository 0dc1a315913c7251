"""Embeddings in the caller's arrays, converted in chunks so that large windows aren't copied."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.arrays import Vectors, read_array

#: Norms may be off by this much; float16 storage rounds a unit vector by about 0.001.
NORM_TOLERANCE = 0.02
CHUNK_ROWS = 8192
#: Arrays of up to so many rows are converted once, into 25 MB at 384 dimensions.
CONVERTED_ROWS = 16_384

#: Row indices.
RowIndex = slice | NDArray[np.int64] | NDArray[np.bool_]


class Embeddings:
    """Rows of one or two arrays, in any order; indexing gives float32 of unit norm."""

    def __init__(
        self,
        arrays: tuple[NDArray[np.floating], ...],
        row: NDArray[np.int64] | None = None,
        *,
        is_converted: tuple[bool, ...] | None = None,
    ) -> None:
        """Stack rows of the arrays.

        Args:
            arrays: One or two ``[n_i, d]`` of any real type, checked.
            row: int64 ``[N]``: row numbers, counted over both; ``None``: all in order.
            is_converted: Of each array, whether it is float32 of unit norm; ``None``: none is.
        """
        self._arrays = arrays
        self._is_converted = is_converted or (False,) * len(arrays)
        # int32, because a window of a million has several of these.
        self._row = None if row is None else row.astype(np.int32)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(map(len, self._arrays)) if self._row is None else len(self._row)

    @property
    def shape(self) -> tuple[int, int]:
        """Return the number of rows and of coordinates."""
        return len(self), int(self._arrays[0].shape[1])

    def __getitem__(self, rows: RowIndex) -> NDArray[np.float32]:
        """Return rows, float32 ``[m, d]`` of unit norm."""
        wanted = self._rows(rows)
        split = len(self._arrays[0])
        if len(self._arrays) == 1:
            taken = self._arrays[0][wanted].astype(np.float32, copy=False)
            first = np.ones(len(wanted), dtype=np.bool_)
        else:
            taken = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
            first = wanted < split
            taken[first] = self._arrays[0][wanted[first]]
            taken[~first] = self._arrays[1][wanted[~first] - split]
        if all(self._is_converted):
            return taken
        norms = np.sqrt(np.einsum("ij,ij->i", taken, taken, dtype=np.float64))
        # Twice normalised, a row would differ in its last bits.
        for is_converted, rows_of in zip(self._is_converted, (first, ~first), strict=False):
            if is_converted:
                norms[rows_of] = 1.0
        taken /= norms[:, None].astype(np.float32)
        return taken

    def part(self, rows: RowIndex) -> "Embeddings":
        """Return a choice of rows, not yet converted."""
        return Embeddings(self._arrays, self._rows(rows), is_converted=self._is_converted)

    def stack(self, other: "Embeddings") -> "Embeddings":
        """Return these rows followed by those of the other, which shares the arrays or is whole."""
        arrays = other._arrays  # noqa: SLF001 - of its own class, here and below
        if self._arrays is arrays:
            rows = [side._rows(slice(0, len(side))) for side in (self, other)]  # noqa: SLF001
            return Embeddings(arrays, np.concatenate(rows), is_converted=self._is_converted)
        converted = other._is_converted  # noqa: SLF001
        return Embeddings((*self._arrays, *arrays), is_converted=(*self._is_converted, *converted))

    def chunks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield all rows in chunks, each with its position."""
        for start in range(0, len(self), CHUNK_ROWS):
            rows = slice(start, min(start + CHUNK_ROWS, len(self)))
            yield rows, self[rows]

    def mean(self) -> NDArray[np.float32]:
        """Return the mean row, float32 ``[d]``."""
        total = np.zeros(self.shape[1])
        for _, vectors in self.chunks():
            total += vectors.sum(axis=0, dtype=np.float64)
        return np.asarray(total / len(self), dtype=np.float32)

    def dot(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the product of each row with a vector, float32 ``[n]``."""
        return np.concatenate([vectors @ vector for _, vectors in self.chunks()])

    def _rows(self, rows: RowIndex) -> NDArray[np.int64]:
        if self._row is not None:
            return self._row[rows].astype(np.int64)
        if isinstance(rows, slice):
            return np.arange(*rows.indices(len(self)))
        return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)


#: Vectors that are only read row by row.
Rows = NDArray[np.float32] | Embeddings


def check_vectors(vectors: Vectors, name: str) -> Embeddings:
    """Return embeddings ``[n, d]`` in any container, checked; those of no rows are ``[0, 0]``.

    Raises:
        ValueError: Not a 2-dimensional array of finite numbers, or a row's norm isn't 1.
        TypeError: Not a container of rows of numbers.
    """
    array = read_array(vectors, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be an array [n, d]; got {array.ndim} dimension(s): {list(array.shape)}; "
            "pass one row of numbers for each text"
        )
    if array.dtype.kind not in "fiu":
        raise ValueError(
            f"{name} must hold real numbers; got dtype {array.dtype}; embed the texts first"
        )
    norms = np.empty(len(array))
    for start in range(0, len(array), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        with np.errstate(over="ignore"):  # an infinite norm is refused
            chunk = array[rows].astype(np.float32)
        norms[rows] = np.sqrt(np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64))
    if not np.isfinite(norms).all():
        row = int(np.flatnonzero(~np.isfinite(norms))[0])
        raise ValueError(f"{name} must be finite; row {row} is not: remove or replace it")
    off = np.flatnonzero(np.abs(norms - 1.0) > NORM_TOLERANCE)
    if off.size:
        raise ValueError(
            f"{name} must have rows of unit norm; {off.size} rows don't, the first is row {off[0]} "
            f"with norm {norms[off[0]]:.4g}: divide each row by its norm, as in "
            "x / numpy.linalg.norm(x, axis=1, keepdims=True)"
        )
    embeddings = Embeddings((array,))
    if 0 < len(array) <= CONVERTED_ROWS:
        return Embeddings((embeddings[:],), is_converted=(True,))
    return embeddings


def check_sides(
    reference: Vectors, current: Vectors, kind: str = ""
) -> tuple[Embeddings, Embeddings]:
    """Return both sides, checked; a side without rows is as wide as the other one.

    Both are ``[n, d]``, in any container. ``kind``, such as ``_prompts``, ends the names of the
    arguments in errors.

    Raises:
        ValueError: As :func:`check_vectors`.
        TypeError: As :func:`check_vectors`.
    """
    sides = check_vectors(reference, f"reference{kind}"), check_vectors(current, f"current{kind}")
    width = max(1, *(side.shape[1] for side in sides))
    first, second = (
        side if side.shape[1] else Embeddings((np.empty((0, width), np.float32),)) for side in sides
    )
    return first, second


def join(reference: Embeddings, current: Embeddings) -> Embeddings:
    """Return the rows of two checked arrays, or of two parts of one, stacked.

    Raises:
        ValueError: They differ in width.
    """
    if reference.shape[1] != current.shape[1]:
        raise ValueError(
            "reference and current differ in dimension: "
            f"{reference.shape[1]} and {current.shape[1]}; embed both with one encoder"
        )
    return reference.stack(current)


def take(vectors: Rows, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
    """Return a choice of rows; embeddings are not yet converted."""
    return vectors.part(rows) if isinstance(vectors, Embeddings) else vectors[rows]
