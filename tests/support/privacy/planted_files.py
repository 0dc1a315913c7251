"""Files of each kind with a planted text; the names are those of the registry of kinds."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import zstandard
from pyarrow import parquet


def _tar(path: Path, text: str) -> None:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("notes/a.txt")
        info.size = len(text.encode())
        archive.addfile(info, io.BytesIO(text.encode()))


def _zip(path: Path, text: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes/a.txt", text)


def _table(text: str) -> pa.Table:
    nested = [[{"role": "user", "content": text}], []]
    return pa.table({"messages": nested, "n": [1, 2]})


def _arrow(path: Path, text: str) -> None:
    table = _table(text)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _sqlite(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER, packed BLOB)")
        connection.execute("INSERT INTO notes VALUES (1, ?)", (gzip.compress(text.encode()),))
        connection.commit()


def _safetensors(path: Path, text: str) -> None:
    header = json.dumps({"__metadata__": {"note": text}}, ensure_ascii=False).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)


#: By kind of file: writes a file that holds a text.
PLANTERS: dict[str, Callable[[Path, str], object]] = {
    "text": lambda path, text: path.write_text(text, encoding="utf-8"),
    "gzip": lambda path, text: path.write_bytes(gzip.compress(text.encode())),
    "zstd": lambda path, text: path.write_bytes(zstandard.compress(text.encode())),
    "bzip2": lambda path, text: path.write_bytes(bz2.compress(text.encode())),
    "xz": lambda path, text: path.write_bytes(lzma.compress(text.encode())),
    "zip": _zip,
    "tar": _tar,
    "parquet": lambda path, text: parquet.write_table(
        _table(text), path, compression="zstd", row_group_size=1
    ),
    "arrow": _arrow,
    "sqlite": _sqlite,
    "safetensors": _safetensors,
    "pickle": lambda path, text: path.write_bytes(pickle.dumps({"note": [text, 1.5]})),
    "gguf": lambda path, text: path.write_bytes(
        b"GGUF\3\0\0\0" + len(text.encode()).to_bytes(8, "little") + text.encode() + bytes(64)
    ),
}
#: Kinds that can't be read.
CLOSED = "closed"
