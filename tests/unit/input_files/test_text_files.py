"""JSON lines, arrays and objects, plain and compressed, by their content."""

import gzip
import io
import json
import os
import random
from pathlib import Path

import pytest
import zstandard

from monitor.errors import InputError
from monitor.input_files import open_source
from monitor.input_files.json_values import iter_array, iter_objects
from tests.support.refusals import refusal

LINES = b'{"prompt": "a"}\n{"prompt": "b"}\n'
VALUES = [b'{"prompt": "a"}', b'{"prompt": "b"}']


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def values(path: Path, content: bytes) -> list[bytes]:
    path.write_bytes(content)
    return [value for _, value in open_source(path).values()]


@pytest.mark.parametrize(
    ("content", "unit"),
    [
        (LINES, "line"),
        (b"\xef\xbb\xbf" + LINES, "line"),
        (gzip.compress(LINES, mtime=0), "line"),
        (gzip.compress(LINES[:16], mtime=0) + gzip.compress(LINES[16:], mtime=0), "line"),
        (gzip.compress(LINES, mtime=0) + bytes(64), "line"),
        (zstd(LINES), "line"),
        (zstd(LINES[:16]) + zstd(LINES[16:]), "line"),
        (b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + zstd(LINES), "line"),
        (b' [{"prompt": "a"},\n\n{"prompt": "b"} ]\n', "element"),
        (zstd(b'[{"prompt": "a"},{"prompt": "b"}]'), "element"),
        (b'{"prompt": "a"}{"prompt": "b"}', "object"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_content_decides_and_not_the_file_name(
    tmp_path: Path, content: bytes, unit: str, name: str
) -> None:
    assert VALUES == values(tmp_path / name, content)
    assert unit == open_source(tmp_path / name).unit


def test_objects_over_several_lines_stay_whole(tmp_path: Path) -> None:
    first, second = b'{\n "m": [\n{"role": "x"}\n ],\n "t": "}\\"]\\\\"}', b'{\n "m": []\n}'

    assert [first, second] == values(tmp_path / "a.json", first + b"\n" + second + b"\n")


def some_json(draw: random.Random, depth: int = 0) -> object:
    kind = draw.randrange(5 if depth < 3 else 3)
    if kind < 2:
        return draw.choice([None, True, -7, 0.5])
    if kind == 2:
        return "".join(draw.choices('a"\\,[]{}: é\n', k=draw.randrange(6)))
    inner = [some_json(draw, depth + 1) for _ in range(draw.randrange(3))]
    return inner if kind == 3 else {str(some_json(draw, 9)): value for value in inner}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_values_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("monitor.input_files.json_values.CHUNK_BYTES", size)
    draw = random.Random(size)
    for indent in (None, 1) * 20:
        rows = [{"a": some_json(draw)} for _ in range(draw.randrange(4))]
        array = json.dumps(rows, indent=indent).encode()
        objects = "\n".join(json.dumps(row, indent=indent) for row in rows).encode()
        assert rows == list(map(json.loads, iter_array(io.BytesIO(array), "")))
        assert rows == list(map(json.loads, iter_objects(io.BytesIO(objects), "")))


@pytest.mark.parametrize("content", [b"", b"[]", b" [ ]\n", gzip.compress(b"", mtime=0), zstd(b"")])
def test_an_empty_file_has_no_values(tmp_path: Path, content: bytes) -> None:
    assert [] == values(tmp_path / "a.jsonl", content)


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
@pytest.mark.parametrize("end", [-1, -5, -200, 30])
def test_cut_compressed_files_are_refused(tmp_path: Path, compress, end: int) -> None:  # type: ignore[no-untyped-def]
    content = compress(b'{"prompt": "%s"}\n' % os.urandom(4000).hex().encode())
    with refusal("truncated", InputError):
        values(tmp_path / "a.jsonl", content[:end])


@pytest.mark.parametrize("compress", [gzip.compress, zstd])
def test_damaged_compressed_files_are_refused(tmp_path: Path, compress) -> None:  # type: ignore[no-untyped-def]
    content = bytearray(compress(b'{"prompt": "%s"}\n' % os.urandom(4000).hex().encode()))
    content[2000] ^= 255
    with refusal("damaged", InputError):
        values(tmp_path / "a.jsonl", bytes(content))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (LINES + b'{"prompt": "c', "truncated"),
        (b'[{"prompt": "a"}, {"prompt": "b"}', "truncated"),
        (b'[{"prompt": "a, ', "truncated"),
        (b'{\n"prompt": "a"}\n{\n"prompt": ', "truncated"),
        (b"[1,,2]", "empty_element"),
        (b"[1,]", "empty_element"),
        (LINES + b"id,prompt\n1,hello\n", "two_formats"),
        (b'[{"prompt": "a"}]\nid,prompt\n', "two_formats"),
        (b'[{"prompt": "a"}]\n' + LINES, "two_formats"),
        (b'{\n"prompt": "a"}\nid,prompt\n', "two_formats"),
        (gzip.compress(gzip.compress(LINES, mtime=0), mtime=0), "compressed_twice"),
        (LINES.decode().encode("utf-16"), "not_utf8"),
        (LINES.decode().encode("utf-16-be"), "not_utf8"),
        (LINES.decode().encode("utf-32"), "not_utf8"),
        (b"caf\xe9,prompt\na,b\n", "not_utf8"),
        (b"%PDF-1.7\n", "other_file"),
        (b"\x89PNG\r\n\x1a\n", "other_file"),
        (b"PK\x03\x04\x14\x00[Content_Types].xml", "other_file"),
        (b"BZh91AY&SY", "other_file"),
        (gzip.compress(b"a.jsonl".ljust(257, b"\x00") + b"ustar\x00", mtime=0), "other_file"),
        (b"abc\x00\x01\x02", "other_file"),
        (b"<!DOCTYPE html>\n<p>hello</p>\n", "no_header"),
        (b"Once upon a time\nthere was a model\n", "no_header"),
    ],
)
def test_unreadable_text_file_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with refusal(code, InputError):
        values(tmp_path / "a.jsonl", content)


@pytest.mark.parametrize(
    "content",
    [
        b"[1]\n" + LINES,
        LINES + b"null\ntrue\n3\n",
        b"oops\n" + LINES,
        LINES + b"oops\n",
        b"{oops\n" + LINES,
    ],
)
def test_single_bad_lines_are_left_to_the_reader(tmp_path: Path, content: bytes) -> None:
    assert len(content.splitlines()) == len(values(tmp_path / "a.jsonl", content))


@pytest.mark.parametrize("start", [b"", b"[", b"{\n"])
def test_a_value_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr("monitor.input_files.json_values.MAX_VALUE_BYTES", 100_000)
    monkeypatch.setattr("monitor.input_files.json_values.CHUNK_BYTES", 10_000)
    with refusal("long_line", InputError):
        values(tmp_path / "a.jsonl", start + b'{"prompt": "' + b"x" * 200_000 + b'"}\n')
