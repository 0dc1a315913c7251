"""Every kind of file is read to the text that was planted in it, and bombs are bounded."""

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest

from monitor.privacy.file_readers.closed import MARKS
from monitor.privacy.file_readers.kinds import KINDS
from monitor.privacy.file_readers.parts import Limits, Text, Unread
from monitor.privacy.file_readers.reading import kind_of_file, read_file
from tests.support.privacy.planted_files import CLOSED, PLANTERS

PLANTED = "write to zebrafish-ann@example.org about Jürgen's parcel"
#: What is left of these is searched as it is.
READ_WHEN_CUT = {"text", "pickle", "gguf", "sqlite", "safetensors"}
LATIN = PLANTED.replace("zebrafish", "zebräfish")


def texts(path: Path, limits: Limits | None = None) -> str:
    parts = read_file(path, limits or Limits())
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def reasons(path: Path, limits: Limits | None = None) -> list[str]:
    parts = read_file(path, limits or Limits())
    return [part.reason for part in parts if isinstance(part, Unread)]


def test_each_kind_is_planted() -> None:
    assert set(PLANTERS) | {CLOSED} == {kind.name for kind in KINDS}


@pytest.mark.parametrize("kind", PLANTERS)
def test_planted_text_is_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    PLANTERS[kind](path, PLANTED)
    assert kind_of_file(path).name == kind
    assert PLANTED in texts(path)
    assert reasons(path) == []


@pytest.mark.parametrize("outer", ["gzip", "zip", "tar"])
@pytest.mark.parametrize("inner", ["zip", "parquet", "arrow", "sqlite", "tar"])
def test_packed_file_is_read(outer: str, inner: str, tmp_path: Path) -> None:
    path = tmp_path / "inner"
    PLANTERS[inner](path, PLANTED)
    packed = tmp_path / "packed"
    if outer == "gzip":
        packed.write_bytes(gzip.compress(path.read_bytes()))
    elif outer == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "inner")
    else:
        import tarfile

        with tarfile.open(packed, "w") as archive:
            archive.add(path, "inner")
    assert PLANTED in texts(packed)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le",
                 "utf-32-be", "latin-1", "cp1252"],
)  # fmt: skip
@pytest.mark.parametrize("first", [0, 1 << 20])
def test_encoding_is_recognized(encoding: str, first: int, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(("x" * first + LATIN + " and more").encode(encoding))
    assert LATIN in texts(path)


def test_cyrillic_without_a_mark_is_read(tmp_path: Path) -> None:
    text = "Где моя посылка, отправленная в понедельник?\n"
    path = tmp_path / "file.txt"
    path.write_bytes((text * 5).encode("utf-16-le"))
    assert text in texts(path)


@pytest.mark.parametrize("distance", range(-60, 60, 7))
def test_text_across_two_steps_is_read(distance: int, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("x" * ((1 << 20) + distance) + PLANTED)
    assert PLANTED in texts(path)


def test_wide_text_between_other_bytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file.dat"
    noise = bytes(range(256)) * 200
    path.write_bytes(noise + b"\1" + PLANTED.encode("utf-16-le") + noise)
    assert "zebrafish-ann@example.org" in texts(path)


def test_names_of_members_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zebrafish.txt", "nothing")
    assert "zebrafish.txt" in texts(path)
    packed = tmp_path / "b.gz"
    with packed.open("wb") as raw, gzip.GzipFile("zebrafish.txt", "wb", fileobj=raw) as file:
        file.write(b"nothing")
    assert "zebrafish.txt" in texts(packed)


@pytest.mark.parametrize(("mark", "kind"), MARKS)
def test_closed_file_is_named(mark: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(mark + b" zebrafish" * 20)
    assert reasons(path) == [kind]


@pytest.mark.parametrize("kind", sorted(set(PLANTERS) - READ_WHEN_CUT))
def test_cut_file_is_named_as_unread(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    PLANTERS[kind](path, PLANTED * 200)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert reasons(path)


def test_bomb_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0" * (64 << 20)))
    (reason,) = reasons(path, Limits(unpacked_bytes=8 << 20))
    assert "8 MiB" in reason
    (reason,) = reasons(path, Limits(seconds=0.0))
    assert "0 s" in reason


def test_archives_in_one_another_are_bounded(tmp_path: Path) -> None:
    data = PLANTED.encode()
    for _ in range(6):
        data = gzip.compress(data)
    path = tmp_path / "deep.gz"
    path.write_bytes(data)
    assert len(reasons(path, Limits(depth=4))) == 1
    assert PLANTED in texts(path, Limits(depth=6))
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}", "x")
    path.write_bytes(many.getvalue())
    assert len(reasons(path, Limits(members=10))) == 1


class Loaded:
    """An object whose pickle writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("name", ["a.pt", "a.bin", "a.pkl", "a"])
def test_pickle_is_never_loaded(name: str, tmp_path: Path) -> None:
    path, trap = tmp_path / name, tmp_path / "trap"
    path.write_bytes(pickle.dumps([Loaded(trap), PLANTED]))
    assert PLANTED in texts(path)
    assert kind_of_file(path).is_raw
    assert not trap.exists()


def test_pipe_and_link_are_not_opened(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("/etc/hostname")
    assert (reasons(pipe), reasons(link)) == (["not a regular file"], ["a link"])


def test_encrypted_member_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    PLANTERS["zip"](path, PLANTED)
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    assert reasons(path) == ["notes/a.txt: encrypted"]
