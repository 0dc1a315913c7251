"""The lines that `retrain start` prints while it waits."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.cli.retrain.runs import _watch
from retrain.training import runs


def state(status: str, resumptions: int) -> Any:
    row = SimpleNamespace(
        status=status, resumptions=resumptions, error=None, result={"adapter": "runs/1/adapter"}
    )
    return SimpleNamespace(run=row, pending_reason="", progress={})


def test_a_resumption_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = iter([state("running", n) for n in (0, 0, 1, 1, 2)] + [state("succeeded", 2)])
    monkeypatch.setattr(runs, "poll_run", lambda *_, **__: next(seen))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    settings: Any = SimpleNamespace(retrain=SimpleNamespace(max_resumptions=3))
    _watch(None, settings, 1, None)  # type: ignore[arg-type]  # poll_run is replaced
    lines = [line for line in capsys.readouterr().out.splitlines() if "resumed" in line]
    assert [line.partition("resumed ")[2][:6] for line in lines] == ["1 of 3", "2 of 3"]
