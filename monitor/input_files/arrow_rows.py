"""Rows of Parquet and Arrow files as JSON objects."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
from pyarrow import compute, ipc, parquet, types

from monitor.errors import InputError
from monitor.input_files.arrow_types import check_columns, has_numbers, json_schema
from monitor.input_files.json_values import MAX_VALUE_BYTES

BATCH_ROWS = 1024
BUFFER_BYTES = 2**16
#: Writers end a dictionary at 1 MiB, or with the value that passes it.
MAX_DICTIONARY_BYTES = 2 * 2**20
#: Bytes that hold the first two numbers of a page's header.
HEADER_BYTES = 16
#: The end of an Arrow stream; without it, the stream may be cut.
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def iter_parquet(file: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the rows of a Parquet file as JSON objects, without nulls.

    Raises:
        InputError: The file is cut or damaged, or a column can't be JSON.
    """
    with _readable(label, "Parquet"):
        # Column chunks are read as they are needed: a whole row group may be larger than memory.
        table = parquet.ParquetFile(
            file,
            pre_buffer=False,
            buffer_size=BUFFER_BYTES,
            page_checksum_verification=True,
            read_dictionary=_large_dictionaries(file),
        )
        yield from _iter_rows(table.schema_arrow, _iter_batches(table), label)


def iter_arrow(file: BinaryIO, label: str) -> Iterator[bytes]:
    """Yield the rows of an Arrow stream or file, as `datasets` stores them.

    Raises:
        InputError: The file is cut or damaged, or a column can't be JSON.
    """
    with _readable(label, "Arrow"):
        if file.read(6) == b"ARROW1":
            table = ipc.open_file(file)
            batches = map(table.get_batch, range(table.num_record_batches))
            yield from _iter_rows(table.schema, batches, label)
            return
        file.seek(-len(END_OF_STREAM), 2)
        if file.read() != END_OF_STREAM:
            raise InputError(
                f"{label}: the Arrow file ends too early; copy or save it again", code="truncated"
            )
        file.seek(0)
        with ipc.open_stream(file) as reader:
            yield from _iter_rows(reader.schema, reader, label)


def _iter_batches(table: Any) -> Iterator[Any]:
    # One iteration over all groups would hold some of the bytes of each.
    for group in range(table.num_row_groups):
        yield from table.iter_batches(BATCH_ROWS, row_groups=[group], use_threads=False)


@contextmanager
def _readable(label: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, MemoryError) as error:
        text = str(error) or "a size that is none"
        complaint = text.split("\n", maxsplit=1)[0][:200].rstrip(".")
        raise InputError(
            f"{label}: the {kind} file is cut or damaged: {complaint}; copy or write it again",
            code="truncated",
        ) from None


def _iter_rows(schema: Any, batches: Iterable[Any], label: str) -> Iterator[bytes]:
    check_columns(schema, label)
    target = json_schema(schema)
    with_numbers = {field.name for field in target if has_numbers(field.type)}
    number = 0
    for batch in _portions(batches, label):
        place = f"{label}: rows {number + 1:,} to {number + len(batch):,}"
        columns = _values(pa.Table.from_batches([batch]).cast(target, safe=False))
        for name in with_numbers:
            columns[name] = [_finite(value, f"{place}: {name!r}") for value in columns[name]]
        for row in zip(*columns.values(), strict=True):
            content = zip(columns, row, strict=True)
            yield _ENCODER.encode({name: value for name, value in content if value is not None})
        number += len(batch)


def _portions(batches: Iterable[Any], label: str) -> Iterator[Any]:
    """Yield slices of batches that stay small when their dictionaries are written out.

    Raises:
        InputError: Values of a row are longer than 64 MiB.
    """
    for batch in batches:
        batch.validate(full=True)  # offsets of a damaged Arrow file lead anywhere
        begin = 0
        while begin < len(batch):
            portion = batch.slice(begin, BATCH_ROWS)
            while (size := _written_out(portion)) > MAX_VALUE_BYTES and len(portion) > 1:
                portion = portion.slice(0, len(portion) // 2)
            if size > MAX_VALUE_BYTES:
                raise InputError(
                    f"{label}: a row has texts of more than 64 MiB; leave it out", code="long_line"
                )
            begin += len(portion)
            yield portion


def _written_out(batch: Any) -> int:
    """Return the bytes of the texts that dictionaries of a batch stand for."""
    size = 0
    for column in batch.columns:
        if types.is_dictionary(column.type) and _is_text(column.type.value_type):
            lengths = compute.binary_length(column.dictionary).cast(pa.int64())
            size += compute.sum(lengths.take(column.indices)).as_py() or 0
    return size


def _is_text(kind: Any) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_string, types.is_large_string, types.is_binary, types.is_large_binary
        )
    )  # fmt: skip


def _large_dictionaries(file: BinaryIO) -> list[str]:
    """Return the columns of texts with a dictionary larger than writers make, to be read as such.

    The size is the second number in the header of the dictionary's page.
    """
    metadata = parquet.read_metadata(file)
    columns = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            is_plain = column.physical_type == "BYTE_ARRAY" and "." not in column.path_in_schema
            if is_plain and column.dictionary_page_offset:
                file.seek(column.dictionary_page_offset)
                if _page_size(file.read(HEADER_BYTES)) > MAX_DICTIONARY_BYTES:
                    columns.add(column.path_in_schema)
    file.seek(0)
    return sorted(columns)


def _page_size(header: bytes) -> int:
    """Return the uncompressed size in a page's header, which is in Thrift's compact protocol."""
    numbers, number, shift = [], 0, 0
    for byte in header[1:]:
        if shift < 0:  # the header of a field
            shift = 0
            continue
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number >> 1)  # zigzag; sizes aren't negative
            number, shift = 0, -1
    return numbers[1] if len(numbers) > 1 else 0


def _values(table: Any) -> dict[str, list[Any]]:
    columns = {}
    for name in table.column_names:
        try:
            columns[name] = table[name].to_pylist()
        except (ValueError, OverflowError):
            columns[name] = [_python_value(value) for value in table[name]]
    return columns


def _python_value(value: Any) -> Any:
    """Return a value of Arrow as Python's; a time outside its years 1 to 9999 as a text.

    So that one time refuses its row, where it is read as a time, and not the file.
    """
    try:
        return value.as_py()
    except (ValueError, OverflowError):
        if isinstance(value, pa.StructScalar):
            return {name: _python_value(part) for name, part in value.items()}
        if isinstance(value, pa.ListScalar):
            return [_python_value(entry) for entry in value]
        return f"{value.value} {getattr(value.type, 'unit', 'days')} since 1970"


def _finite(value: Any, place: str) -> Any:
    """Return a value without NaN, and durations in seconds; refuse infinite numbers."""
    if isinstance(value, float):
        if math.isinf(value):
            raise InputError(
                f"{place} is infinite, which JSON has no number for; write null", code="infinite"
            )
        return None if math.isnan(value) else value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: _finite(entry, place) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry, place) for entry in value]
    return value
