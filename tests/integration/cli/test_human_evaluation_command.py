"""`driftwarden retrain human-evaluation` on a real database."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import InputError, WorkflowError
from monitor.store.engine import make_engine
from tests.support.migrated_copy import migrate
from tests.support.review.human_evaluation import make_human_evaluation, rate_all
from tests.support.review.review_world import World, make_world

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
SCORES = {
    system: dict.fromkeys(DIMENSIONS, value)
    for system, value in (("candidate", 5), ("incumbent", 4), ("base", 2))
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    engine = make_engine(f"sqlite:///{tmp_path / 'd.db'}")
    migrate(engine)
    (tmp_path / "config.toml").write_text(
        f'[database]\nurl = "sqlite:///{tmp_path / "d.db"}"\n', encoding="utf-8"
    )
    return make_world(engine, NOW, n=4)


def run(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(
        app, ["retrain", "human-evaluation", *arguments, "--config", str(folder / "config.toml")]
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_an_evaluation_is_listed_shown_locked_and_exported(world: World, tmp_path: Path) -> None:
    assert len(run(tmp_path, "list").splitlines()) == 1
    human_evaluation = make_human_evaluation(world.engine, NOW, n=12)
    for name in ("Ada", "Ben"):
        rate_all(world.engine, human_evaluation, world.users[name], NOW, SCORES)
    assert "open      assistant version 1, evaluation 1  24 of 36 ratings" in run(tmp_path, "list")
    output = run(tmp_path, "show", str(human_evaluation))
    assert "Ada: 12 items, 0 declined" in output
    assert "accuracy: alpha 1.00" in output
    assert "incumbent" not in output
    output = tmp_path / "out.jsonl"
    with pytest.raises(WorkflowError, match="open"):
        run(tmp_path, "export", str(human_evaluation), "--output", str(output))
    assert not output.exists()

    with pytest.raises(InputError, match="unknown user: 'Zoe'"):
        run(tmp_path, "lock", str(human_evaluation), "--as", "Zoe")
    with pytest.raises(InputError, match="Ada is reviewer"):
        run(tmp_path, "lock", str(human_evaluation), "--as", "Ada")
    with pytest.raises(WorkflowError, match="12 of 36 ratings are missing"):
        run(tmp_path, "lock", str(human_evaluation), "--as", "Lea")
    locked = run(tmp_path, "lock", str(human_evaluation), "--as", "Lea", "--allow-missing")
    assert re.search(r"passed: .*accuracy", locked)
    assert "note: 12 of 36 ratings are missing" in locked
    assert "candidate - base, tone: +3.00" in locked
    assert "locked" in run(tmp_path, "list")

    assert "12 items" in run(tmp_path, "export", str(human_evaluation), "--output", str(output))
    items = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert len(items) == 12
    systems = {
        system for item in items for response in item["responses"] for system in response["systems"]
    }
    assert systems == {"base", "candidate", "incumbent"}
    assert items[0]["responses"][0]["scores"].keys() == {"Ada", "Ben"}
