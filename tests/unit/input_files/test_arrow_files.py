"""Parquet and Arrow files, and folders of data sets."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from monitor.errors import InputError
from monitor.input_files import open_source
from tests.support.refusals import refusal

MOMENT = datetime(2026, 11, 2, 3, 4, 5, 6, tzinfo=UTC)
TABLE = pa.table(
    {
        "prompt": ["a", "b"],
        "messages": [[{"role": "user", "content": "hi"}], None],
        "at": pa.array([MOMENT, None], pa.timestamp("ns", "UTC")),
        "day": [date(2026, 11, 2)] * 2,
        "cost": [Decimal("1.50")] * 2,
        "score": [float("nan"), 0.5],
        "kind": pa.array(["x", "y"]).dictionary_encode(),
        "latency": [timedelta(seconds=1.5)] * 2,
        "ok": [True, None],
        "half": pa.array([0.5, 1.5], pa.float16()),
    }
)
ROWS = [
    {
        "prompt": "a",
        "messages": [{"role": "user", "content": "hi"}],
        "at": "2026-11-02T03:04:05.000006Z",
        "day": "2026-11-02",
        "cost": 1.5,
        "kind": "x",
        "latency": 1.5,
        "ok": True,
        "half": 0.5,
    },
    {
        "prompt": "b",
        "day": "2026-11-02",
        "cost": 1.5,
        "score": 0.5,
        "kind": "y",
        "latency": 1.5,
        "half": 1.5,
    },
]
LINES = b'{"prompt": "a"}\n{"prompt": "b"}\n'


def rows(place: Path) -> list[dict[str, object]]:
    return [msgspec.json.decode(value) for _, value in open_source(place).values()]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_parquet_rows_are_objects_of_json_types(tmp_path: Path, name: str) -> None:
    parquet.write_table(TABLE, tmp_path / name, row_group_size=1)
    assert ROWS == rows(tmp_path / name)


def test_an_arrow_file_reads_like_parquet(tmp_path: Path) -> None:
    with ipc.new_file(tmp_path / "a.feather", TABLE.schema) as writer:
        writer.write_table(TABLE)
    assert ROWS == rows(tmp_path / "a.feather")


@pytest.mark.parametrize("end", [-1, -30, 40, 5])
def test_cut_parquet_is_refused(tmp_path: Path, end: int) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(TABLE, path)
    path.write_bytes(path.read_bytes()[:end])
    with refusal("truncated", InputError):
        rows(path)


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(TABLE, path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[20:60] = bytes(40)
    path.write_bytes(content)
    with refusal("truncated", InputError):
        rows(path)


def test_compressed_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(TABLE, path)
    path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    with refusal("compressed_twice", InputError):
        rows(path)


def test_columns_that_are_no_json_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "prompt": ["a"],
            "blob": [b"x"],
            "tags": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "images": [[{"bytes": b"x"}]],
        }
    )
    parquet.write_table(table, path)
    with refusal("not_json", InputError, match=r"'blob'.*'tags'.*'images.bytes'") as caught:
        rows(path)
    assert "prompt" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (pa.array([float("inf")]), "infinite"),
        (pa.array([[1.0, float("-inf")]]), "infinite"),
    ],
)
def test_values_without_json_form_are_refused(tmp_path: Path, column: pa.Array, code: str) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"prompt": ["a"], "x": column}), path)
    with refusal(code, InputError, match="'x'"):
        rows(path)


@pytest.mark.parametrize("nesting", ["plain", "struct", "list"])
@pytest.mark.parametrize("value", [10**18, -(10**18)])
def test_time_out_of_range_becomes_a_text(tmp_path: Path, value: int, nesting: str) -> None:
    times = pa.array([0, value, None], pa.timestamp("us"))
    columns = {
        "plain": times,
        "struct": pa.StructArray.from_arrays([times], names=["at"]),
        "list": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), times),
    }
    expected = ["1970-01-01T00:00:00", f"{value} us since 1970", None]
    forms: dict[str, Callable[[Any], Any]] = {
        "plain": lambda at: at,
        "struct": lambda at: {"at": at},
        "list": lambda at: [at],
    }
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"prompt": ["a", "b", "c"], "x": columns[nesting]}), path)
    assert [row.get("x") for row in rows(path)] == [
        None if at is None and nesting == "plain" else forms[nesting](at) for at in expected
    ]


def test_a_saved_data_set_is_read_in_order(tmp_path: Path) -> None:
    from datasets import Dataset

    saved = Dataset.from_list([{"prompt": str(n), "score": n / 2} for n in range(9)])
    saved.save_to_disk(tmp_path / "saved", num_shards=2)
    expected = [{"prompt": str(n), "score": n / 2} for n in range(9)]
    assert expected == rows(tmp_path / "saved")

    shard = next((tmp_path / "saved").glob("data-00001*"))
    shard.write_bytes(shard.read_bytes()[:-8])
    with refusal("truncated", InputError):
        rows(tmp_path / "saved")


def test_splits_of_a_saved_data_set_are_named(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    splits = {name: Dataset.from_list([{"prompt": name}]) for name in ("train", "test")}
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    with refusal("several_splits", InputError, match="train, test"):
        rows(tmp_path / "saved")
    assert [{"prompt": "test"}] == rows(tmp_path / "saved" / "test")


def test_files_of_a_folder_are_splits_by_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "README.md").write_text("# Data")
    (data / "train-00000-of-00002.jsonl").write_bytes(LINES)
    (data / "train-00001-of-00002.jsonl").write_bytes(LINES)
    assert ["a", "b", "a", "b"] == [row["prompt"] for row in rows(tmp_path)]

    parquet.write_table(TABLE, data / "test.parquet")
    with refusal("several_splits", InputError, match="test, train"):
        rows(tmp_path)
    assert 4 == len(rows(tmp_path / "train"))
    assert ROWS == rows(tmp_path / "test")
    with refusal("no_file", InputError, match="test, train"):
        rows(tmp_path / "validation")

    parquet.write_table(TABLE, data / "train.parquet")
    with refusal("several_formats", InputError):
        rows(tmp_path / "train")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with refusal("no_data_files", InputError):
        rows(tmp_path)


def test_damaged_arrow_files_end_in_an_error(tmp_path: Path) -> None:
    """Offsets that lead outside the file would end the process."""
    with ipc.new_stream(tmp_path / "whole", TABLE.schema) as writer:
        writer.write_table(TABLE)
    content = (tmp_path / "whole").read_bytes()
    n_refused = 0
    for place in range(400, len(content) - 8, 16):
        damaged = bytearray(content)
        damaged[place : place + 8] = b"\x7f" * 8
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            rows(tmp_path / "damaged")
        except InputError:
            n_refused += 1
    assert n_refused > 20
