"""Paths in the output of the demo."""

from pathlib import Path

import pytest

from monitor.demo.workspace import LOG, describe_log, short_path


def test_paths_are_shown_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Path("build/demo/config.toml") == short_path(tmp_path / "build/demo/config.toml")
    assert Path("/elsewhere/config.toml") == short_path(Path("/elsewhere/config.toml"))
    assert Path("build/demo") == short_path(Path("build/demo"))
    (tmp_path / LOG).write_text("one\ntwo\n")
    assert f"Log of the daemon's parts: {LOG}, 2 warnings." == describe_log(tmp_path)
