"""Container of a reference file: Parquet whose metadata has a header and a digest of the content.

It holds no code: exchanges are JSON, vectors numbers.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from monitor.errors import InputError
from monitor.windows.reference_file.detection import KEY

VERSION = 1
#: A file may say that it unpacks to so many times its size, and so many bytes beside.
MAX_RATIO = 100
SPARE_BYTES = 2**24
DAMAGE = (
    *(pa.ArrowException, msgspec.MsgspecError),
    *(OSError, ValueError, KeyError, TypeError),
)
COLUMNS = ("exchange", "prompt_vector", "response_vector")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The header of a reference file."""

    version: int
    #: Identity of the encoder.
    encoder: str
    dimension: int
    #: Of the original file.
    name: str
    digest: str
    n_exchanges: int
    n_withheld: int
    #: Whether prompts and responses are in the file.
    has_texts: bool
    #: Of driftwarden.
    written_by: str


@dataclass(frozen=True)
class Content:
    """The rows of a reference file."""

    header: Header
    #: An exchange as JSON, each.
    rows: Sequence[bytes]
    #: ``[n, d]``.
    prompt_vectors: NDArray[np.float16]
    response_vectors: NDArray[np.float16]

    def digest(self) -> str:
        """Return the SHA-256 of header and rows."""
        digest = hashlib.sha256(msgspec.json.encode(self.header))
        for row in self.rows:
            digest.update(len(row).to_bytes(8, "little") + row)
        for vectors in (self.prompt_vectors, self.response_vectors):
            digest.update(np.ascontiguousarray(vectors, dtype="<f2").tobytes())
        return digest.hexdigest()


def encode_content(content: Content) -> bytes:
    """Return the bytes of a reference file."""
    vectors = pa.binary(2 * content.header.dimension)
    metadata = {
        KEY: msgspec.json.encode(content.header),
        KEY + b".digest": content.digest().encode(),
    }
    schema = pa.schema(
        [("exchange", pa.binary()), ("prompt_vector", vectors), ("response_vector", vectors)],
        metadata=metadata,
    )
    columns = [
        list(content.rows),
        *(
            [row.tobytes() for row in np.ascontiguousarray(side, dtype="<f2")]
            for side in (content.prompt_vectors, content.response_vectors)
        ),
    ]
    sink = io.BytesIO()
    # Statistics would be bytes that no checksum covers.
    parquet.write_table(
        pa.table(columns, schema=schema),
        sink,
        compression="zstd",
        write_page_checksum=True,
        write_statistics=False,
    )
    return sink.getvalue()


def read_content(path: Path) -> Content:
    """Read a reference file.

    Raises:
        InputError: It is damaged, of another version, or unpacks to far more than its size.
    """
    label = str(path)
    with intact(label):
        file = parquet.ParquetFile(path, page_checksum_verification=True)
        metadata = file.metadata.metadata or {}
        version = msgspec.json.decode(metadata[KEY], type=dict)["version"]
        if version != VERSION:
            raise InputError(
                f"{label}: a reference file of version {version}, and this release reads version "
                f"{VERSION}; write it anew by --save-reference, or use the release that wrote it",
                code="reference_version",
            )
        header = msgspec.json.decode(metadata[KEY], type=Header)
        unpacked = sum(
            file.metadata.row_group(index).total_byte_size
            for index in range(file.metadata.num_row_groups)
        )
        if unpacked > MAX_RATIO * path.stat().st_size + SPARE_BYTES:
            raise InputError(
                f"{label}: unpacks to {unpacked:,} bytes, over {MAX_RATIO} times its size; write "
                "it anew by --save-reference",
                code="reference_too_large",
            )
        table = file.read(columns=list(COLUMNS))
        vectors = [
            np.frombuffer(b"".join(table.column(name).to_pylist()), dtype="<f2").reshape(
                header.n_exchanges, header.dimension
            )
            for name in COLUMNS[1:]
        ]
        content = Content(header, table.column("exchange").to_pylist(), vectors[0], vectors[1])
        if content.digest() != metadata[KEY + b".digest"].decode():
            raise ValueError("the digest differs")
        return content


@contextmanager
def intact(label: str) -> Iterator[None]:
    """Say that a file is damaged, whatever is wrong in it."""
    try:
        yield
    except DAMAGE as error:
        raise InputError(
            f"{label}: a damaged reference file ({type(error).__name__}); copy it again, or write "
            "it anew by --save-reference",
            code="reference_damaged",
        ) from None
