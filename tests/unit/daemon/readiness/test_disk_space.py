"""The free share of the daemon's folders."""

import math
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.daemon.readiness.disk_space import export_disk_space, free_ratio
from monitor.settings import load_configuration
from monitor.telemetry import DISK_FREE, REGISTRY

NAME = "driftwarden_disk_free_ratio"


@pytest.fixture(autouse=True)
def no_gauges():
    yield
    DISK_FREE.clear()


def ratio(folder: str) -> float | None:
    return REGISTRY.get_sample_value(NAME, {"folder": folder})


def file_system(blocks: int, free: int, available: int) -> SimpleNamespace:
    return SimpleNamespace(f_blocks=blocks, f_bfree=free, f_bavail=available)


def test_blocks_of_root_are_not_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: file_system(100, 30, 25))
    assert free_ratio(tmp_path) == pytest.approx(25 / 95)


def test_a_full_file_system_has_nothing_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: file_system(100, 5, 0))
    assert free_ratio(Path("/")) == 0.0


def test_free_space_without_blocks_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: file_system(0, 0, 0))
    assert math.isnan(free_ratio(Path("/")))


def test_a_missing_folder_has_the_space_above_it(tmp_path: Path) -> None:
    assert free_ratio(tmp_path / "runs" / "later") == pytest.approx(free_ratio(tmp_path), abs=0.01)


def test_free_space_of_a_failing_file_system_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "statvfs", fail)
    assert math.isnan(free_ratio(Path("/srv/runs")))


def test_a_database_in_a_file_has_a_disk(tmp_path: Path) -> None:
    export_disk_space(load_configuration(database={"url": f"sqlite:///{tmp_path}/d.db"}))
    assert [ratio(name) for name in ("temporary", "runs", "database")] == [
        pytest.approx(free_ratio(folder), abs=0.01)
        for folder in (Path(tempfile.gettempdir()), Path.cwd(), tmp_path)
    ]


def test_a_server_has_its_own_alarm() -> None:
    export_disk_space(load_configuration(database={"url": "postgresql+psycopg2://db/driftwarden"}))
    assert ratio("database") is None
    assert ratio("runs") is not None
