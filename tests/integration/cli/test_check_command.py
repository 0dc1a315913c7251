"""`driftwarden check`: one line per check, with advice if it fails."""

import sys
from pathlib import Path

import pytest

from bench.services.requirement import free_port
from tests.support.command import Run, run_command  # noqa: F401


def test_missing_parts_are_named_with_the_next_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
) -> None:
    for name, value in {
        "DATABASE__URL": f"sqlite:///{tmp_path / 'driftwarden.db'}",
        "KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "RETRAIN__TRAINING_DATA": "missing.jsonl",
        "WEB__HOST": "0.0.0.0",
    }.items():
        monkeypatch.setenv(f"DRIFTWARDEN_{name}", value)
    assert 0 == run_command("db", "upgrade").returncode

    checked = run_command("check")

    assert 1 == checked.returncode
    lines = {line[5:19].strip(): line for line in checked.stdout.splitlines()}
    states = {name: line[:4].strip() for name, line in lines.items()}
    assert {
        "configuration": "ok",
        "database": "ok",
        "leader": "ok",
        "baseline": "FAIL",
        "windows": "ok",
        "broker": "FAIL",
        "encoder": "ok",
        "alerts": "note",
        "reviewers": "note",
        "sign-in": "ok",
        "training data": "FAIL",
        "launcher": "ok",
        "live model": "ok",
        "mlflow": "ok",
        "web": "FAIL",
    }.items() <= states.items()
    assert "driftwarden baseline import" in lines["baseline"]
    assert sys.executable in lines["launcher"]
    assert "resume: yes." in lines["launcher"]
    assert "127.0.0.1" in lines["broker"]
    assert "secure_cookies" in lines["web"]
