"""Files of hundreds of megabytes, in a process whose memory is measured."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

ROOT = Path(__file__).parents[3]
READ = """
import re, sys
from pathlib import Path
from monitor.input_files import open_source

n = open_source(Path(sys.argv[1])).check()
print(n, int(re.search("VmHWM:\\s*(.*) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""
TEXT = "word " * 200


def content(kind: str, n: int) -> Iterator[bytes]:
    line = b'{"prompt": "%s", "metadata": {"score": 1.5}}\n' % TEXT.encode()
    if kind == "csv":
        line = b'"%s","yes ""ok""",1.5\n' % TEXT.encode()
        yield b"prompt,response,score\n"
    if kind == "array":
        yield b"[{}"
        line = b"," + line
        n -= 1
    for _ in range(n // 1000):
        yield line * 1000
    yield line * (n % 1000)
    if kind == "array":
        yield b"]"


def read_through_a_pipe(kind: str, n: int) -> tuple[int, int]:
    """Return the rows and the peak of the memory in MiB."""
    command = [sys.executable, "-c", READ, "-"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for chunk in content(kind, n):
            process.stdin.write(chunk)
        process.stdin.close()
        rows, peak = map(int, process.stdout.read().split())
    assert process.returncode == 0
    return rows, peak


@pytest.mark.drill
@pytest.mark.parametrize("kind", ["lines", "array", "csv"])
def test_half_a_gigabyte_through_a_pipe_leaves_memory_flat(kind: str) -> None:
    few, small = read_through_a_pipe(kind, 10_000)
    many, large = read_through_a_pipe(kind, 500_000)

    assert (few, many) == (10_000, 500_000)
    assert large < small + 30


@pytest.mark.drill
@pytest.mark.parametrize("group", [2_000, 400_000])
def test_parquet_memory_does_not_grow_with_the_file(tmp_path: Path, group: int) -> None:
    path = tmp_path / "a.parquet"
    texts = [os.urandom(500).hex() for _ in range(2_000)]
    schema = pa.schema({"prompt": pa.string()})
    peaks = []
    for n_tables in (10, 200):
        with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
            if group == 2_000:
                for _ in range(n_tables):
                    writer.write_table(pa.table({"prompt": texts}))
            else:
                writer.write_table(pa.table({"prompt": texts * n_tables}), row_group_size=group)
        command = [sys.executable, "-c", READ, path]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        rows, peak = map(int, done.stdout.split())
        assert 2_000 * n_tables == rows
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 60
