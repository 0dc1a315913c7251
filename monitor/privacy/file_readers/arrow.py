"""Arrow's files and streams."""

from typing import BinaryIO

from monitor.privacy.file_readers.arrow_values import texts_of_batch, texts_of_schema
from monitor.privacy.file_readers.parts import Budget, Parts, UnreadError

FILE_MARK = b"ARROW1"


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield the texts of all batches, names and metadata."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    is_file = content.read(len(FILE_MARK)) == FILE_MARK
    content.seek(0)
    try:
        if is_file:
            file = pa.ipc.open_file(content)
            batches = (file.get_batch(n) for n in range(file.num_record_batches))
        else:
            file = pa.ipc.open_stream(content)
            batches = iter(file)
        yield from texts_of_schema(file.schema)
        for batch in batches:
            budget.spend(batch.nbytes)
            yield from texts_of_batch(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadError(f"damaged: {error}") from error
