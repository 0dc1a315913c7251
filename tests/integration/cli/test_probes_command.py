"""`driftwarden probes`: run, status and accept against a live endpoint."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.store.engine import make_engine
from tests.services.live_endpoint import (  # noqa: F401 - a fixture
    FakeEndpoint,
    live_endpoint,
    scripted,
)
from tests.support.migrated_copy import migrate
from tests.support.retrain.probe_world import write_evaluation


def call(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["probes", *arguments, "--config", str(config)])


def test_probes_command_runs_shows_and_accepts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    live_endpoint: FakeEndpoint,  # noqa: F811
) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    migrate(make_engine(url))
    config = tmp_path / "config.toml"
    config.write_text(
        f'database.url = "{url}"\nmodels.desk.aliases = []\nprobes.prompts = 24\n'
        f'probes.url = "{live_endpoint.url}"\nprobes.model = "live"\nprobes.max_attempts = 1\n'
        f'retrain.evaluation = "{write_evaluation(tmp_path)}"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("PROBES_API_KEY", "of all")
    monkeypatch.setenv("PROBES_DESK_API_KEY", "of the desk")
    first = call(config, "run")
    assert (first.exit_code, "taken as reference" in first.stdout) == (0, True)
    assert live_endpoint.headers[0]["authorization"] == "Bearer of the desk"
    live_endpoint.model = scripted("two")
    changed = call(config, "run")
    assert (changed.exit_code, "now:" in changed.stdout) == (3, True)
    assert call(config, "accept", "--reason", "new server").exit_code == 0
    assert call(config, "run").exit_code == 0
    state = call(config, "status").stdout
    assert "prompts: 24, 5 of them safety" in state
    assert "reference: 2 of 8 runs" in state
    live_endpoint.fault = lambda number: (503, b"")
    assert call(config, "run").exit_code == 5
