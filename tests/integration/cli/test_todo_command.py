"""`driftwarden todo`: the list in the terminal and as JSON."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.store.engine import make_engine, transaction
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.waiting_world import WaitingWorld

NOW = utc_now().replace(microsecond=0)


@pytest.fixture
def world(tmp_path: Path) -> WaitingWorld:
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    migrate(engine)
    (tmp_path / "config.toml").write_text(
        'models.a.aliases = ["a-*"]\nmodels.b.aliases = []\n'
        'alerts.public_url = "https://drift.example/"\n'
        f'database.url = "sqlite:///{tmp_path / "driftwarden.db"}"\n'
    )
    return WaitingWorld(engine, NOW)


def test_todo_lists_entries_of_a_model_or_of_all(
    world: WaitingWorld,
    run_command: Run,  # noqa: F811
) -> None:
    run, incident = world.run("a"), world.incident("b", "drift", days=3)
    lines = run_command("todo").stdout.splitlines()[-4:]  # before them stands the log of the world
    assert lines[0].startswith("b, for 3 days: Drift")
    assert lines[1].endswith(f": https://drift.example/incidents/{incident}")
    assert lines[3].endswith(f": https://drift.example/runs/{run}/plan")
    (entry,) = json.loads(run_command("todo", "--model", "a-7", "--json").stdout)["entries"]
    assert entry["model"] == "a"
    assert (entry["kind"], entry["n"], entry["incident"]) == ("run", 1, None)
    assert entry["address"] == f"https://drift.example/runs/{run}/plan"
    assert run_command("todo", "--model", "c").returncode == 2


def test_todo_says_when_nothing_waits(
    world: WaitingWorld,
    run_command: Run,  # noqa: F811
) -> None:
    monday = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=7 - NOW.weekday())
    assert f"{monday.day} {monday:%b %Y}, 00:00 UTC" in run_command("todo").stdout
    document = json.loads(run_command("todo", "--json").stdout)
    assert (document["entries"], document["next_evaluation"][:10]) == ([], f"{monday:%Y-%m-%d}")
    with transaction(world.engine) as connection:
        connection.execute(text("UPDATE leadership SET expires_at = acquired_at"))
    (entry,) = json.loads(run_command("todo", "--model", "a", "--json").stdout)["entries"]
    assert (entry["kind"], entry["model"], entry["rank"]) == ("no_leader", "", 0)


def test_todo_refuses_an_older_database(
    world: WaitingWorld,
    run_command: Run,  # noqa: F811
) -> None:
    with transaction(world.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    done = run_command("todo")
    assert done.returncode
    assert "Traceback" not in done.stderr
