"""How a child without a result is described."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from retrain.jobs.child_result import describe_exit
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.run_folder import RunFolder


@pytest.mark.parametrize(("free", "cause"), [(0, "its disk is full"), (10**9, "out of memory")])
def test_a_full_disk_is_no_lack_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, cause: str
) -> None:
    (tmp_path / "child.log").write_text("step 3\n", encoding="utf-8")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    text = describe_exit(SubprocessLauncher(), RunFolder(tmp_path), "train")
    assert cause in text
    assert text.endswith("step 3")
