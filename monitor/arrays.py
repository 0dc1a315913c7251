"""Arrays of vectors in the containers that notebooks have: lists, tensors, columns of lists.

Containers are recognized by the package that their class comes from, so that none is imported.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rows of vectors in any container that :func:`read_array` reads.
Vectors = ArrayLike | Iterable[Any]

#: Types of narrow floats that NumPy knows by their name only, as those of JAX.
_NARROW_FLOATS = ("bfloat16", "float8")
_HELP = "pass rows of numbers [n, d]: a list, an array, a tensor, or a column of lists"


def read_array(vectors: Vectors, name: str) -> NDArray[Any]:
    """Return vectors in any container as an array, ``[n, d]`` where the rows are of one length.

    Tensors may be of any type, on any device and with gradients. An iterator is read once. Without
    rows, the array is ``[0, 0]``. Types, dimensions and values are checked by the caller.
    ``vectors`` are NumPy, torch or JAX arrays, sequences of rows, a pandas or polars column of
    lists or frame of numbers, an Arrow array of lists, or a column of a Hugging Face data set.
    Errors name the argument by ``name``.

    Raises:
        TypeError: Not a container of rows, or rows of texts or mappings.
        ValueError: Rows of different lengths or missing ones, a sparse or masked array.
    """
    package = type(vectors).__module__.partition(".")[0]
    if package == "torch":
        return _from_tensor(vectors, name)
    if package in ("pandas", "polars"):
        return _from_frame(vectors, name)
    if package == "pyarrow":
        return _from_arrow(vectors, name)
    if isinstance(vectors, np.ma.MaskedArray) and np.ma.getmaskarray(vectors).any():
        raise ValueError(f"{name} has masked values; remove these rows")
    if isinstance(vectors, np.ndarray):
        return _from_numpy(vectors, name)
    if hasattr(vectors, "toarray"):
        raise ValueError(f"{name} is a sparse {type(vectors).__name__}; pass {name}.toarray()")
    if hasattr(vectors, "__array__"):
        return _from_numpy(np.asarray(vectors), name)
    if isinstance(vectors, str | bytes | Mapping | Set) or not isinstance(vectors, Iterable):
        raise TypeError(f"{name} holds no vectors: {_kind(vectors)}; {_HELP}")
    return _stack(list(vectors), name)


def _from_numpy(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype.kind == "O":
        return _stack(list(array), name) if array.ndim else _refuse(array.item(), name)
    if array.dtype.name.startswith(_NARROW_FLOATS):
        return array.astype(np.float32)
    return np.asarray(array)


def _refuse(value: Any, name: str) -> NDArray[Any]:
    raise TypeError(f"{name} holds no vectors: {_kind(value)}; {_HELP}")


def _from_tensor(tensor: Any, name: str) -> NDArray[Any]:
    if not hasattr(tensor, "detach"):
        return _refuse(tensor, name)
    if tensor.is_complex():
        raise ValueError(f"{name} must hold real numbers; got {tensor.dtype}")
    if tensor.device.type == "meta":
        raise ValueError(f"{name} is on the device 'meta', which holds no values; load the model")
    plain = tensor.detach()
    if str(plain.layout) != "torch.strided":
        plain = plain.to_dense()
    if plain.is_quantized:
        plain = plain.dequantize()
    plain = plain.cpu()
    try:
        array: NDArray[Any] = plain.numpy()
    except TypeError:  # bfloat16 and narrower, which NumPy doesn't have
        array = plain.float().numpy()
    return array


def _from_frame(columns: Any, name: str) -> NDArray[Any]:
    """Return a column of lists, or a frame of numbers, of pandas or polars."""
    if hasattr(columns, "collect"):  # a lazy frame
        columns = columns.collect()
    if len(getattr(columns, "shape", ())) == 2 and columns.shape[1] == 1:
        columns = columns[columns.columns[0]]
    if not hasattr(columns, "to_numpy"):
        return _refuse(columns, name)
    array = columns.to_numpy()
    if array.dtype.kind == "O" and array.ndim == 2:  # nullable numbers of pandas
        try:
            return np.asarray(columns.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            names = ", ".join(map(str, columns.columns[:5]))
            raise TypeError(
                f"{name} is a frame whose columns ({names}, ...) don't all hold numbers; pass the "
                "column of the vectors, such as frame['embedding'], or the columns of numbers"
            ) from None
    return _from_numpy(array, name)


def _from_arrow(column: Any, name: str) -> NDArray[Any]:
    if hasattr(column, "column_names"):
        if len(column.column_names) != 1:
            raise TypeError(
                f"{name} is a table with the columns {', '.join(column.column_names)}; pass the "
                f"column of the vectors, such as table[{column.column_names[0]!r}]"
            )
        column = column.column(0)
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if hasattr(column, "to_numpy_ndarray"):
        return np.asarray(column.to_numpy_ndarray())
    if not hasattr(column, "to_numpy"):
        return _refuse(column, name)
    size = getattr(column.type, "list_size", None)
    if size and not column.null_count and not column.values.null_count:
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size))
    return _from_numpy(column.to_numpy(zero_copy_only=False), name)


def _stack(rows: Sequence[Any], name: str) -> NDArray[Any]:
    """Return rows as an array; numbers in Python's types become float64."""
    if not rows:
        return np.empty((0, 0))
    read = [_read_row(row, index, name) for index, row in enumerate(rows)]
    shapes = [row.shape for row in read]
    other = next((index for index, shape in enumerate(shapes) if shape != shapes[0]), None)
    if other is not None:
        raise ValueError(
            f"{name} has rows of different lengths: row 0 has the shape {list(shapes[0])}, row "
            f"{other} {list(shapes[other])}; embed all texts with one encoder"
        )
    return np.stack(read)


def _read_row(row: Any, index: int, name: str) -> NDArray[Any]:
    if isinstance(row, str | bytes | Mapping):
        raise TypeError(
            f"{name}: row {index} is no vector: {_kind(row)}; embed the texts, or pass exchanges "
            "to compare_exchanges"
        )
    # pandas writes a missing list as None, NaN or NA.
    if row is None or type(row).__name__ == "NAType" or (isinstance(row, float) and row != row):  # noqa: PLR0124
        raise ValueError(f"{name}: row {index} is missing; remove it, or embed its text")
    if type(row).__module__.partition(".")[0] in ("torch", "polars", "pyarrow"):
        return read_array(row, name)
    try:
        array = np.asarray(row)
        return _from_numpy(array if array.dtype.kind != "O" else array.astype(np.float64), name)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}: row {index} must hold numbers: {_kind(row)}; remove it, or embed its text"
        ) from None


def _kind(value: Any) -> str:
    """Return the type of a value, without its content, which may be a text of the traffic."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
