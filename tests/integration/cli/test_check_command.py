"""`driftwarden check`: one line per check, with advice if it fails."""

import os
import subprocess
import sys
from pathlib import Path

from bench.services.requirement import free_port

COMMAND = Path(sys.executable).with_name("driftwarden")


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DRIFTWARDEN_DATABASE__URL": f"sqlite:///{folder / 'driftwarden.db'}",
        "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "DRIFTWARDEN_RETRAIN__TRAINING_DATA": "missing.jsonl",
        "DRIFTWARDEN_WEB__HOST": "0.0.0.0",
    }
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_missing_parts_are_named_with_the_next_step(tmp_path: Path) -> None:
    assert 0 == call(tmp_path, "db", "upgrade").returncode

    checked = call(tmp_path, "check")

    assert 1 == checked.returncode
    lines = {line[5:19].strip(): line for line in checked.stdout.splitlines()}
    states = {name: line[:4].strip() for name, line in lines.items()}
    assert {
        "configuration": "ok",
        "database": "ok",
        "baseline": "FAIL",
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
