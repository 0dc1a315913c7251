"""The finding about the folder for temporary files."""

import shutil
import tempfile
from pathlib import Path

import pytest

from monitor.daemon.readiness import temporary_files
from monitor.daemon.readiness.temporary_files import temporary_files_finding


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the process use a folder that no variable names."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_with_space_is_ready(folder: Path) -> None:
    finding = temporary_files_finding()

    assert finding.status == "ok"
    assert str(folder) in finding.message


def test_an_ignored_tmpdir_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/missing")

    finding = temporary_files_finding()

    assert finding.status == "note"
    assert "/missing" in finding.message
    assert str(folder) in finding.message


def test_a_full_folder_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_files, "MIN_FREE_BYTES", 1 + shutil.disk_usage(folder).total)

    assert temporary_files_finding().status == "note"
