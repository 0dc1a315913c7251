"""Names of models in traffic that no model of the configuration has."""

import json
from pathlib import Path

from tests.support.command import Run, run_command  # noqa: F401
from tests.support.present import utc_now


def test_names_in_another_case_are_reported(
    tmp_path: Path,
    run_command: Run,  # noqa: F811
) -> None:
    (tmp_path / "config.toml").write_text(
        "monitoring.sample_rate = 1.0\n[models.router]\n[models.b]\n"
    )
    now = utc_now().isoformat()
    lines = [
        {"id": str(n), "model": name, "prompt": f"prompt {n}", "response": "x", "timestamp": now}
        for n, name in enumerate(["router"] * 3 + ["Router"] * 4)
    ]
    (tmp_path / "traffic.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run_command("db", "upgrade")
    run_command("replay", "traffic.jsonl")
    imported = run_command("baseline", "import", "traffic.jsonl", "--model", "router")
    assert "4 of them are of 'Router'" in imported.stdout
    (line,) = [
        line
        for line in run_command("check").stdout.splitlines()
        if line.startswith("note unlisted")
    ]
    assert "'Router' differs from 'router'" in line
