"""Exchanges in the containers that notebooks have, as objects with the keys of a file's lines.

Containers are recognized by the package that their class comes from, so that none is imported.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from monitor.drift.presentation.document import to_document
from monitor.errors import InputError

#: Rows of a frame that are converted at once.
CHUNK_ROWS = 8192
#: Larger floats are no exact integers.
MAX_WHOLE = 2**53
_HELP = (
    "pass a path, a list of dicts such as {'prompt': ..., 'response': ...}, a pandas or polars "
    "frame, an Arrow table, or a Hugging Face data set"
)


def iter_objects(exchanges: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield each exchange as a mapping; an iterator is read once.

    Missing values of frames are ``None``. The container is a list or iterator of mappings, a frame
    of pandas or polars, an Arrow table or a Hugging Face data set; ``name`` is that of the side in
    error messages.

    Raises:
        InputError: No such container, or an element that is no mapping.
    """
    for index, row in enumerate(_rows(exchanges, name)):
        if not isinstance(row, Mapping):
            hint = " {'prompt': text}" if isinstance(row, str) else " a dict with 'prompt'"
            raise InputError(
                f"{name}: row {index} is no exchange: {type(row).__name__}; pass{hint}",
                code="no_exchange",
            )
        yield row


def is_table(exchanges: Any) -> bool:
    """Return whether exchanges are a frame, a table or a data set: rows with named columns."""
    return any(hasattr(exchanges, name) for name in ("columns", "column_names"))


def _rows(exchanges: Any, name: str) -> Iterable[Any]:
    package = type(exchanges).__module__.partition(".")[0]
    if package == "pandas" and hasattr(exchanges, "iloc") and hasattr(exchanges, "columns"):
        repeated = exchanges.columns[exchanges.columns.duplicated()]
        if len(repeated):
            raise InputError(
                f"{name} has two columns with one name: {repeated[0]!r}; rename one of them",
                code="repeated_column",
            )
        return _pandas_rows(exchanges)
    if package == "polars":
        exchanges = exchanges.collect() if hasattr(exchanges, "collect") else exchanges
        if hasattr(exchanges, "iter_rows"):
            rows: Iterable[Any] = exchanges.iter_rows(named=True)
            return rows
    if package == "pyarrow" and hasattr(exchanges, "schema"):
        return _arrow_rows(exchanges)
    if isinstance(exchanges, Mapping):
        splits = ", ".join(str(key) for key in list(exchanges)[:5])
        problem = "a dict of splits" if package == "datasets" else "one dict"
        raise InputError(
            f"{name} is {problem}, with the keys {splits}; "
            + ("pass one of the splits" if package == "datasets" else "pass a list of dicts"),
            code="no_exchanges",
        )
    if package == "datasets" and hasattr(exchanges, "with_format"):
        return exchanges.with_format(None)  # type: ignore[no-any-return]
    if isinstance(exchanges, bytes) or not isinstance(exchanges, Iterable):
        raise InputError(
            f"{name} holds no exchanges: {type(exchanges).__name__}; {_HELP}", code="no_exchanges"
        )
    return exchanges


def _pandas_rows(frame: Any) -> Iterator[Any]:
    kinds = dict.fromkeys(_whole_columns(frame), "Int64")
    for start in range(0, len(frame), CHUNK_ROWS):
        yield from frame.iloc[start : start + CHUNK_ROWS].astype(kinds).to_dict("records")


def _whole_columns(frame: Any) -> Iterator[Any]:
    """Yield the columns of integers that missing values made floats."""
    for name, kind in frame.dtypes.items():
        if getattr(kind, "kind", "") == "f" and frame[name].isna().any():
            values = frame[name].dropna()
            if ((values % 1 == 0) & (values.abs() < MAX_WHOLE)).all():
                yield name


def _arrow_rows(table: Any) -> Iterator[Any]:
    batches = table.to_batches() if hasattr(table, "to_batches") else [table]
    for batch in batches:
        for start in range(0, batch.num_rows, CHUNK_ROWS):
            yield from batch.slice(start, CHUNK_ROWS).to_pylist()


def encode_object(value: Mapping[str, Any], index: int, name: str) -> bytes:
    """Return an exchange as JSON; missing and undefined values are ``null``.

    Numbers of NumPy become Python's, and times texts.

    Raises:
        InputError: A value of another kind.
    """
    try:
        return _ENCODER.encode(value if isinstance(value, dict) else dict(value))
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        return json.dumps(to_document(msgspec.to_builtins(dict(value), enc_hook=_plain))).encode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{name}: row {index} can't be read: {error}; pass texts, numbers, booleans, times, "
            "lists and dicts",
            code="no_json",
        ) from None


def _plain(value: Any) -> Any:
    """Return a value that JSON has; called for types that msgspec doesn't know."""
    if type(value).__name__ in {"NaTType", "NAType"}:
        return None
    if isinstance(value, np.datetime64 | np.timedelta64):
        return None if np.isnat(value) else str(value)
    if hasattr(value, "tolist"):  # of NumPy, torch, pandas
        return value.tolist()
    derived: tuple[Any, ...] = (str, int, float, dict)
    for kind in derived:  # of which the value's class is a subclass
        if isinstance(value, kind):
            return kind(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"a value of the type {type(value).__module__}.{type(value).__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
