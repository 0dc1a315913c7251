"""Sources that can be read once, or not at all; resuming, digests and memory."""

import io
import os
import resource
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from monitor.errors import InputError
from monitor.input_files import open_source, open_two
from tests.support.refusals import refusal

LINES = b'{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "c"}\n'


def feed(path: Path, content: Iterator[bytes]) -> threading.Thread:
    def write() -> None:
        with suppress(BrokenPipeError), path.open("wb") as pipe:
            for chunk in content:
                pipe.write(chunk)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_pipe_can_be_read_again(fifo: Path, tmp_path: Path) -> None:
    feed(fifo, iter([LINES]))
    source = open_source(fifo)
    (tmp_path / "file").write_bytes(LINES)
    assert source.check() == 3
    assert [number for number, _ in source.values(start=2)] == [2]
    assert open_source(tmp_path / "file").digest() == source.digest()


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, LINES)
    source = open_source(Path("-"))
    assert [number for number, _ in source.values()] == [0, 1, 2]
    assert source.check() == 3
    assert "standard input" == source.name == source.label


def test_standard_input_is_one_of_two_files(tmp_path: Path) -> None:
    with refusal("one_input", InputError):
        open_two(Path("-"), Path("-"))


def test_standard_input_from_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, terminal = os.openpty()
    with os.fdopen(terminal) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with refusal("terminal", InputError):
            open_source(Path("-"))


def test_a_pipe_without_room_for_its_copy_is_refused(fifo: Path) -> None:
    feed(fifo, iter([LINES * 30_000]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with refusal("no_room", InputError):
            open_source(fifo)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_an_endless_device_is_refused_at_once() -> None:
    with refusal("other_file", InputError):
        open_source(Path("/dev/zero"))


@pytest.mark.parametrize("name", ["file", "folder"])
def test_unreadable_path_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    (tmp_path / "file").write_bytes(LINES)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.jsonl").write_bytes(LINES)
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        with refusal("not_readable", InputError):
            open_source(path)
    finally:
        if is_root:
            os.seteuid(0)
        path.chmod(0o700)


def test_memory_does_not_grow_with_the_file(fifo: Path) -> None:
    line = b'{"prompt": "%s"}\n' % (b"x" * 2000)
    feed(fifo, (line * 500 for _ in range(16)))  # 16 MB
    tracemalloc.start()
    try:
        assert open_source(fifo).check() == 8000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6e6


def test_a_pattern_is_its_files_in_alphabetical_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "a.txt"):
        (tmp_path / name).write_text(f'{{"prompt": "{name}"}}\n', encoding="utf-8")
    values = [value for _, value in open_source(tmp_path / "*.jsonl").values()]
    assert values == [b'{"prompt": "a.jsonl"}', b'{"prompt": "b.jsonl"}']
    with refusal("no_file", InputError):
        open_source(tmp_path / "*.csv")


def test_a_file_with_a_name_like_a_pattern_is_read(tmp_path: Path) -> None:
    path = tmp_path / "logs[1].jsonl"
    path.write_bytes(LINES)
    assert len(list(open_source(path).values())) == len(LINES.splitlines())


@pytest.mark.parametrize(
    "address", ["s3://bucket/a.jsonl", "https://example.org/a+b.csv", "hf://datasets/a/b"]
)
def test_an_address_is_refused_whole(address: str) -> None:
    with refusal("remote_file", InputError) as caught:
        open_source(Path(address))
    assert address in str(caught.value)
