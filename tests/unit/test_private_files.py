"""Files of mode 0600, whatever the umask and what was there before."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.private_files import use_private_umask, write_private_text


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_file_is_private(tmp_path: Path) -> None:
    write_private_text(tmp_path / "report.html", "texts")
    assert mode(tmp_path / "report.html") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_replaced_file_is_private_and_an_open_reader_learns_nothing(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("old")
    path.chmod(0o666)
    with path.open() as reader:
        write_private_text(path, "new")
        assert reader.read() == "old"
    assert mode(path) == 0o600
    assert path.read_text() == "new"


def test_draft_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.write_text("theirs")
    (tmp_path / f".export.{os.getpid()}").symlink_to(target)
    write_private_text(tmp_path / "export", "ours")
    assert target.read_text() == "theirs"


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(tmp_path / "there")
    write_private_text(tmp_path / "here", "text")
    assert (tmp_path / "here").is_symlink()
    assert mode(tmp_path / "there") == 0o600


def test_device_and_pipe_are_written_to(tmp_path: Path) -> None:
    write_private_text(Path(os.devnull), "text")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    read, write = os.pipe()
    write_private_text(Path(f"/dev/fd/{write}"), "text")
    os.close(write)
    assert os.read(read, 10) == b"text"


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_private_text(path, "\ud800")
    assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())


def test_folders_are_private_under_the_umask(tmp_path: Path) -> None:
    use_private_umask()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert [mode(tmp_path / "a"), mode(tmp_path / "a" / "b")] == [0o700, 0o700]
