"""Parquet files."""

from typing import BinaryIO

from monitor.privacy.file_readers.arrow_values import texts_of_batch, texts_of_schema
from monitor.privacy.file_readers.parts import Budget, Parts, UnreadError

#: Rows decoded at once, and the unpacked bytes that a part of a column may have.
ROWS, COLUMN_BYTES = 1_000, 1 << 30


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield the texts of all rows, names and metadata.

    Texts that repeat are decoded once, so that a dictionary can't make them many.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import parquet  # noqa: PLC0415

    try:
        columns = parquet.read_schema(content)
        content.seek(0)
        footer = parquet.ParquetFile(content).metadata
        texts = [
            footer.schema.column(n).path
            for n in range(footer.num_columns)
            if footer.schema.column(n).physical_type == "BYTE_ARRAY"
        ]
        yield from texts_of_schema(columns)
        content.seek(0)
        file = parquet.ParquetFile(content, read_dictionary=texts)
        for group in range(footer.num_row_groups):
            sizes = [
                footer.row_group(group).column(n).total_uncompressed_size
                for n in range(footer.num_columns)
            ]
            if max(sizes, default=0) > COLUMN_BYTES:
                raise UnreadError(f"a column of more than {COLUMN_BYTES >> 20:,} MiB")
            budget.spend(sum(sizes))
            for batch in file.iter_batches(batch_size=ROWS, row_groups=[group]):
                budget.spend()
                yield from texts_of_batch(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadError(f"damaged: {error}") from error
