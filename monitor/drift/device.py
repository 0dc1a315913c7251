"""Arrays on a compute device: torch's where it is installed, else NumPy's.

The statistics are written once, with the operators that both have and the operations of
:class:`Arrays`. Both give the same figures up to rounding; torch uses all cores, or CUDA.
"""

from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

#: An array of NumPy or a tensor of torch.
Array = Any


class Arrays(Protocol):
    """Operations whose names or forms NumPy and torch don't share."""

    def put(self, array: NDArray[Any]) -> Array:
        """Return an array of NumPy on the device."""

    def fetch(self, array: Array) -> NDArray[Any]:
        """Return an array of the device as one of NumPy."""

    def zeros(self, shape: tuple[int, ...], dtype: str = "float64") -> Array:
        """Return zeros."""

    def cast(self, array: Array, dtype: str) -> Array:
        """Return an array in another type."""

    def take(self, array: Array, rows: Array) -> Array:
        """Return the rows of an index, ``array[rows]``."""

    def join(self, parts: list[Array], axis: int) -> Array:
        """Return arrays side by side."""

    def largest(self, array: Array, k: int) -> tuple[Array, Array]:
        """Return the k largest of each row, in descending order, and their columns."""

    def nonzero(self, array: Array) -> tuple[Array, Array]:
        """Return the rows and columns of the entries that aren't zero."""

    def count_nonzero(self, array: Array) -> int:
        """Return the number of entries that aren't zero."""

    def add_columns(self, sums: Array, columns: Array, values: Array) -> None:
        """Add each column of values to the column of the sums that its index names."""

    def sum_rows(self, rows: Array, index: Array, n: int) -> Array:
        """Return the sums ``[n, w]`` of the rows of each index."""

    def waves(self, angles: Array) -> Array:
        """Return cosines and sines, side by side."""


class NumpyArrays:
    """Arrays of NumPy."""

    def put(self, array: NDArray[Any]) -> Array:
        """Return the array itself."""
        return array

    def fetch(self, array: Array) -> NDArray[Any]:
        """Return the array itself."""
        return np.asarray(array)

    def zeros(self, shape: tuple[int, ...], dtype: str = "float64") -> Array:
        """Return zeros."""
        return np.zeros(shape, dtype)

    def cast(self, array: Array, dtype: str) -> Array:
        """Return an array in another type."""
        return array.astype(dtype)

    def take(self, array: Array, rows: Array) -> Array:
        """Return the rows of an index."""
        return array.take(rows, axis=0)

    def join(self, parts: list[Array], axis: int) -> Array:
        """Return arrays side by side."""
        return np.concatenate(parts, axis=axis)

    def largest(self, array: Array, k: int) -> tuple[Array, Array]:
        """Return the k largest of each row, in descending order, and their columns."""
        if k == 1:  # several times faster than a partition
            where = array.argmax(axis=1, keepdims=True)
            return np.take_along_axis(array, where, axis=1), where
        where = np.argpartition(array, array.shape[1] - k, axis=1)[:, -k:]
        best = np.take_along_axis(array, where, axis=1)
        order = np.argsort(-best, axis=1, kind="stable")
        return np.take_along_axis(best, order, axis=1), np.take_along_axis(where, order, axis=1)

    def nonzero(self, array: Array) -> tuple[Array, Array]:
        """Return the rows and columns of the entries that aren't zero."""
        rows, columns = np.nonzero(array)
        return rows, columns

    def count_nonzero(self, array: Array) -> int:
        """Return the number of entries that aren't zero."""
        return int(np.count_nonzero(array))

    def add_columns(self, sums: Array, columns: Array, values: Array) -> None:
        """Add each column of values to the column of the sums that its index names."""
        for row, weights in zip(sums, values, strict=True):
            np.add(row, np.bincount(columns, weights=weights, minlength=len(row)), out=row)

    def sum_rows(self, rows: Array, index: Array, n: int) -> Array:
        """Return the sums ``[n, w]`` of the rows of each index."""
        weights = np.full(len(index), 1, rows.dtype)
        members = sparse.csr_matrix(
            (weights, (index, np.arange(len(index)))), shape=(n, len(index))
        )
        return members @ rows

    def waves(self, angles: Array) -> Array:
        """Return cosines and sines, side by side."""
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


class TorchArrays:
    """Tensors of torch.

    Args:
        name: A name of torch's, such as ``"cpu"`` or ``"cuda:1"``.
    """

    def __init__(self, name: str) -> None:
        import torch  # noqa: PLC0415 - takes a second to import

        self._torch = torch
        self._device = torch.device(name)

    def put(self, array: NDArray[Any]) -> Array:
        """Return an array of NumPy on the device."""
        return self._torch.from_numpy(array).to(self._device)

    def fetch(self, array: Array) -> NDArray[Any]:
        """Return a tensor as an array of NumPy."""
        return np.asarray(array.cpu().numpy())

    def zeros(self, shape: tuple[int, ...], dtype: str = "float64") -> Array:
        """Return zeros."""
        return self._torch.zeros(shape, dtype=getattr(self._torch, dtype), device=self._device)

    def cast(self, array: Array, dtype: str) -> Array:
        """Return a tensor in another type."""
        return array.to(getattr(self._torch, dtype))

    def take(self, array: Array, rows: Array) -> Array:
        """Return the rows of an index."""
        if rows.dim() == 1 and rows.dtype == self._torch.int64:
            return array.index_select(0, rows)  # on a CPU several times faster than indexing
        return array.index_select(0, rows.flatten().int()).view(*rows.shape, *array.shape[1:])

    def join(self, parts: list[Array], axis: int) -> Array:
        """Return tensors side by side."""
        return self._torch.cat(parts, dim=axis)

    def largest(self, array: Array, k: int) -> tuple[Array, Array]:
        """Return the k largest of each row, in descending order, and their columns."""
        # max() is several times faster than topk().
        best, where = array.topk(k, dim=1) if k > 1 else array.max(dim=1, keepdim=True)
        return best, where

    def nonzero(self, array: Array) -> tuple[Array, Array]:
        """Return the rows and columns of the entries that aren't zero."""
        rows, columns = array.nonzero(as_tuple=True)
        return rows, columns

    def count_nonzero(self, array: Array) -> int:
        """Return the number of entries that aren't zero."""
        return int(array.count_nonzero())

    def add_columns(self, sums: Array, columns: Array, values: Array) -> None:
        """Add each column of values to the column of the sums that its index names."""
        sums.index_add_(1, columns, values)

    def sum_rows(self, rows: Array, index: Array, n: int) -> Array:
        """Return the sums ``[n, w]`` of the rows of each index."""
        sums = self._torch.zeros((n, rows.shape[1]), dtype=rows.dtype, device=self._device)
        return sums.index_add_(0, index, rows)

    def waves(self, angles: Array) -> Array:
        """Return cosines and sines, side by side."""
        return self._torch.cat([angles.cos(), angles.sin()], dim=1)


def resolve_device(device: str | None) -> Arrays:
    """Return the arrays of a device.

    Args:
        device: ``None`` or ``"cpu"``; ``"cuda"`` or ``"cuda:N"``; ``"auto"`` takes CUDA where it is
            available.

    Raises:
        ValueError: An unknown device, or one that is not available.
    """
    if device not in (None, "cpu", "auto", "cuda") and not _is_numbered(device):
        raise ValueError(f"unknown device: {device!r}; use None, 'cpu', 'auto', 'cuda' or 'cuda:N'")
    torch, problem = _import_torch()
    has_cuda = torch is not None and torch.cuda.is_available()
    if device in (None, "cpu") or (device == "auto" and not has_cuda):
        return NumpyArrays() if torch is None else TorchArrays("cpu")
    if torch is None:
        raise ValueError(
            f"device {device!r} needs torch: {problem}; `pip install 'driftwarden[torch]'`, or use "
            "'cpu'"
        )
    if not has_cuda:
        raise ValueError(f"no CUDA device is available: device {device!r}; use 'auto' or 'cpu'")
    return TorchArrays("cuda" if device == "auto" else str(device))


def _is_numbered(device: object) -> bool:
    return isinstance(device, str) and device.startswith("cuda:") and device[5:].isdigit()


@cache
def _import_torch() -> tuple[Any, str]:
    """Return torch; ``None`` and the reason where it is missing, or can't be loaded."""
    try:
        import torch  # noqa: PLC0415 - takes a second to import
    except (ImportError, OSError) as error:  # OSError: without a library that it needs
        return None, str(error)
    return torch, ""
