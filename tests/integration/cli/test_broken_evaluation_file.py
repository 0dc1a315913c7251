"""A broken evaluation file stops evaluations, and no other command."""

from pathlib import Path

import pytest

from tests.support.command import Run, run_command  # noqa: F401 - a fixture


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "evaluation.yaml"
    file.write_text(
        "evaluation:\n  benchmarks: [{name: a, dataset: a.jsonl, metric: [f1]}]\n"
        "production_monitoring: {drift_detection: daily}\n"
    )
    (tmp_path / "config.toml").write_text('[retrain]\nevaluation = "evaluation.yaml"\n')
    return file


def test_other_commands_go_on(broken: Path, run_command: Run) -> None:  # noqa: F811
    for command in (
        ["db", "upgrade"],
        ["models", "list"],
        ["review", "queue"],
        ["retrain", "list"],
    ):
        ended = run_command(*command)
        assert ended.returncode == 0, ended.stderr
        assert "evaluation_file_broken" in ended.stderr
        assert "evaluation.yaml, line 2" in ended.stderr
    assert "daily" in run_command("check", "--model", "assistant").stdout


def test_erasure_names_the_broken_file(broken: Path, run_command: Run) -> None:  # noqa: F811
    assert run_command("db", "upgrade").returncode == 0
    ended = run_command("forget", "--subject", "ann")
    assert "evaluation.yaml: unreadable (the data sets that it names are unknown" in ended.stdout
