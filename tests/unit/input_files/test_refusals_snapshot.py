"""Messages about files that can't be read."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from syrupy.assertion import SnapshotAssertion

from monitor.errors import InputError
from monitor.input_files import open_source, open_two

LINES = b'{"prompt": "a"}\n{"prompt": "b"}\n'
CONTENTS = {
    "cut.jsonl.gz": gzip.compress(LINES, mtime=0)[:-4],
    "damaged.jsonl.gz": gzip.compress(LINES, mtime=0)[:-8] + bytes(8),
    "cut.jsonl": LINES + b'{"prompt": "c',
    "cut.json": b'[{"prompt": "a"}, {"prom',
    "comma.json": b'[{"prompt": "a"}, ]',
    "two-formats.jsonl": LINES + b"id,prompt\n1,hello\n2,goodbye\n",
    "two-formats.json": b'[{"prompt": "a"}]\nid,prompt\n',
    "utf-16.jsonl": LINES.decode().encode("utf-16"),
    "latin-1.csv": b"caf\xe9,prompt\na,b\n",
    "report.pdf": b"%PDF-1.7\n",
    "book.xlsx": b"PK\x03\x04[Content_Types].xml",
    "files.zip": b"PK\x03\x04a.jsonl",
    "program": b"\x7fELF\x02\x01\x01\x00\x00",
    "page.html": b"<!DOCTYPE html>\n",
    "no-header.csv": b"How do I reset it?,Click here.\n",
    "unequal.csv": b"prompt,response\na,b,c\n",
    "open-quotes.csv": b'prompt,response\n"a,b\nc,d\n',
    "quotes.csv": b'prompt,response\n"a" b,c\n',
    "infinite.csv": b"prompt,score\na,1\nb,inf\n",
    "same-name.csv": b"prompt,prompt\na,b\n",
    "cut.parquet": b"PAR1 and no more",
}


def refusals(folder: Path) -> Iterator[str]:
    for name in [
        *CONTENTS,
        "binary.parquet",
        "missing.jsonl",
        "*.tsv",
        "notes",
        "data",
        "data/dev",
    ]:
        try:
            open_source(folder / name).check()
        except InputError as error:
            yield str(error).replace(str(folder), "FOLDER")
    for place in ("s3://logs/week.jsonl", "hf://datasets/a/b", "ftp://host/a", "file:///a"):
        try:
            open_source(Path(place))
        except InputError as error:
            yield str(error)
    try:
        open_two(Path("-"), Path("-"))
    except InputError as error:
        yield str(error)


def test_refused_files_snapshot(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    table = pa.table({"prompt": ["a"], "audio": [b"x"], "turns": [[{"image": b"x"}]]})
    parquet.write_table(table, tmp_path / "binary.parquet")
    for name in ("notes/plan.txt", "data/train.jsonl", "data/test.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(LINES)

    assert "\n".join(refusals(tmp_path)) == snapshot
