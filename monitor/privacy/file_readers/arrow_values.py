"""Texts in Arrow's arrays, which Parquet files are read as too."""

import io
from collections.abc import Iterator
from typing import Any

from monitor.privacy.file_readers.parts import Member, Parts, Text


def texts_of_batch(batch: Any) -> Parts:
    """Yield the texts of a batch of rows, and its bytes as files of their own."""
    for column in batch.columns:
        yield from _texts_of(column)


def texts_of_schema(schema: Any) -> Iterator[Text]:
    """Yield the names of columns, and the metadata of the schema and its columns."""
    yield Text("\n".join(schema.names))
    for metadata in (schema.metadata, *(schema.field(n).metadata for n in range(len(schema)))):
        for key, value in (metadata or {}).items():
            yield Text(f"{key.decode('utf-8', 'replace')}\n{value.decode('utf-8', 'replace')}")


def _texts_of(array: Any) -> Parts:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _texts_of(array.dictionary)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _texts_of(part)
    elif pa.types.is_map(kind):
        yield from _texts_of(array.keys)
        yield from _texts_of(array.items)
    elif pa.types.is_nested(kind):  # lists of any size
        yield from _texts_of(array.values if hasattr(array, "values") else array.flatten())
    elif isinstance(array, pa.ExtensionArray):
        yield from _texts_of(array.storage)
    elif any(
        is_text(kind) for is_text in (pa.types.is_string, pa.types.is_large_string)
    ) or pa.types.is_string_view(kind):
        yield Text("\n".join(value for value in array.to_pylist() if value))
    elif any(
        is_bytes(kind)
        for is_bytes in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_fixed_size_binary,
            pa.types.is_binary_view,
        )
    ):
        for value in array.to_pylist():
            if value:
                yield Member("bytes of a column", io.BytesIO(value))
    elif pa.types.is_integer(kind):  # an id may be a number
        yield Text("\n".join(map(str, array.to_pylist())))
