"""Small files that become large."""

import gzip
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from pyarrow import ipc, parquet

from monitor.errors import InputError
from monitor.input_files.json_values import MAX_VALUE_BYTES
from monitor.input_files.source import open_source

MEGABYTE = b"x" * 2**20


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_decompression_bomb_is_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"bomb.jsonl.{ending}"
    with (
        gzip.open(path, "wb", compresslevel=1)
        if ending == "gz"
        else zstandard.open(path, "wb") as file
    ):
        file.write(b'{"prompt": "')
        for _ in range(80):
            file.write(MEGABYTE)
    assert path.stat().st_size < 2 * 2**20
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            list(open_source(path).values())
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_VALUE_BYTES
    finally:
        tracemalloc.stop()
    assert caught.value.code == "long_line"


@pytest.fixture(params=["parquet", "arrow"])
def dictionary_bomb(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of a few kilobytes whose 5,000 rows are a text of 8 MB each."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), ["x" * 8 * 10**6])
    table, path = pa.table({"prompt": texts}), tmp_path / f"bomb.{request.param}"
    if request.param == "parquet":
        parquet.write_table(table, path, compression="zstd")
        assert path.stat().st_size < 10_000
    else:
        with ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    return path


def test_a_dictionary_bomb_is_read_in_little_memory(dictionary_bomb: Path) -> None:
    pa.default_memory_pool().release_unused()
    before = pa.default_memory_pool().max_memory()
    values = open_source(dictionary_bomb).values()
    assert [len(value) > 8 * 10**6 for _, (_, value) in zip(range(9), values, strict=False)] == [
        True
    ] * 9
    assert pa.default_memory_pool().max_memory() - before < 500 * 2**20


def test_a_batch_of_endless_nulls_is_read_in_portions(tmp_path: Path) -> None:
    table = pa.table({"prompt": pa.nulls(2**31 - 1)})
    with ipc.new_file(tmp_path / "bomb.arrow", table.schema) as writer:
        writer.write_table(table)
    values = open_source(tmp_path / "bomb.arrow").values()
    tracemalloc.start()
    try:
        assert next(values) == (0, b"{}")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
