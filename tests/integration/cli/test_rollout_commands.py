"""`driftwarden rollout` and `models promote|rollback`: rows, gateway and exit status."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.traffic.daily_counts import SampledCount
from retrain.rollout.gateways import factory
from retrain.rollout.gateways.protocol import Capabilities
from retrain.rollout.rows.events import list_events
from retrain.rollout.rows.observations import LabelKey, add_labels
from tests.support.command import Run, run_command  # noqa: F401 - a fixture
from tests.support.present import utc_now
from tests.support.retrain.recorded_desk import WEIGHTS, recorded_desk
from tests.support.retrain.rollout_desk import RolloutDesk
from tests.support.review.roles import add_reviewer


@pytest.fixture
def desk(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RolloutDesk:
    """Return a desk whose gateway and database the commands use."""
    made = RolloutDesk(engine, utc_now())
    configure(made, tmp_path, monkeypatch)
    return made


def configure(desk: RolloutDesk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands use a desk's gateway and database."""
    url = desk.engine.url.render_as_string(hide_password=False)
    (folder / "config.toml").write_text(
        f'database.url = "{url}"\ndrift.higher_is_better = ["csat"]\n[models.desk]\n'
    )
    monkeypatch.setattr(factory, "create_gateway", lambda *_: desk.gateway)
    monkeypatch.setattr("monitor.store.migrations.require_current", lambda _engine: None)


def test_commands_change_rows_and_gateway(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.register()
    done = run_command("rollout", "start", "2", "--reason", "gates passed")
    assert done.returncode == 0, done.stderr
    assert "running at 5%" in done.stdout
    assert "csat: not compared, because" in done.stdout
    assert "confirmed by the gateway" in done.stdout
    assert desk.in_force() == (1, 2, 5)
    assert run_command("rollout", "pause", "--reason", "release day").returncode == 0
    assert desk.rollout().status == "paused"
    assert run_command("rollout", "advance", "--reason", "x").returncode == 1
    assert run_command("rollout", "resume").returncode == 0
    assert run_command("rollout", "advance", "--reason", "enough", "--to", "50").returncode == 0
    assert desk.in_force() == (1, 2, 50)
    done = run_command("rollout", "revert", "--reason", "bad")
    assert (done.returncode, desk.in_force()) == (0, (1, None, 0))
    assert desk.events() == [
        "started", "confirmed", "paused", "resumed", "advanced", "confirmed", "reverted",
    ]  # fmt: skip
    done = run_command("rollout", "revert", "--reason", "again")
    assert done.returncode == 1
    assert "no rollout is open" in done.stderr


def test_status_and_history_show_the_rollout(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    assert "no rollout yet" in run_command("rollout", "status").stdout
    desk.start()
    desk.tick()
    text = run_command("rollout", "status", "--model", "desk").stdout
    assert "rollout 1 of version 2, running at 5%" in text
    assert "It moves to 25% at the earliest" in text
    assert "no look at this stage yet" in text
    assert "No replica leads" in text
    with transaction(desk.engine) as connection:
        labels = {LabelKey(1, "v9"): SampledCount(2, 40.0), LabelKey(1, ""): SampledCount(1, 9.0)}
        add_labels(connection, labels, desk.now)
    text = run_command("rollout", "status", "--model", "desk").stdout
    assert "about 49 exchanges name neither version: 'v9' (40), none (9)" in text
    (document,) = json.loads(run_command("rollout", "status", "--json").stdout)
    assert document["unknown_labels"] == {"v9": 40.0, "": 9.0}
    assert (document["rollout"]["status"], document["weights"]["canary_percent"]) == ("running", 5)
    desk.gateway.available = False
    desk.apply()
    assert "NOT applied after 1 attempts" in run_command("rollout", "status").stdout
    assert "started" in run_command("rollout", "history").stdout
    (document,) = json.loads(run_command("rollout", "history", "--json").stdout)
    assert [event["event"] for event in document["events"]] == ["started", "confirmed"]


def test_watch_ends_with_the_rollout(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    assert run_command("rollout", "watch").returncode == 0
    desk.start()
    run_command("rollout", "revert", "--reason", "bad")
    done = run_command("rollout", "watch", "--interval", "0.1")
    assert (done.returncode, "reverted at 0%" in done.stdout) == (3, True)


def test_unconfirmed_weights_are_an_exit_status(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.register()
    del desk.gateway._backends["desk", 2]
    done = run_command("rollout", "start", "2", "--reason", "x", "--wait", "0")
    assert done.returncode == 75
    assert "v2" in done.stderr
    assert (desk.rollout().status, desk.in_force()) == ("running", (1, None, 0))
    run_command("rollout", "revert", "--reason", "absent")
    done = run_command("models", "promote", "2", "--wait", "0")
    assert (done.returncode, desk.in_force()) == (75, (1, None, 0))
    desk.gateway.define("desk", 2, lambda _: "here")
    desk.apply()
    assert desk.in_force() == (2, None, 0)


def test_promote_and_rollback_wait_for_the_gateway(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.register()
    done = run_command("models", "promote", "2")
    assert (done.returncode, desk.in_force()) == (0, (2, None, 0)), done.stderr
    assert "confirmed by the gateway" in done.stdout
    done = run_command("models", "rollback")
    assert (done.returncode, desk.in_force()) == (0, (1, None, 0))
    desk.gateway.available = False
    done = run_command("models", "promote", "2", "--wait", "0")
    assert done.returncode == 75


def test_rollback_reports_the_reverted_rollout(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    second = desk.register()
    assert run_command("models", "promote", str(second)).returncode == 0
    rollout = desk.start()
    desk.apply()
    done = run_command("models", "rollback")
    assert (done.returncode, desk.in_force()) == (0, (2, None, 0)), done.stderr
    assert f"rollout {rollout.id} of version 3" in done.stdout
    assert "in production again" not in done.stdout
    again = run_command("models", "rollback")
    assert (again.returncode, desk.in_force()) == (0, (1, None, 0))
    assert "version 1 is in production again" in again.stdout


def test_named_user_must_lead_the_model(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.register()
    with transaction(desk.engine) as connection:
        add_reviewer(connection, "rev", desk.now)
        add_reviewer(connection, "lea", desk.now, role="lead")
    assert run_command("rollout", "start", "2", "--as", "nobody").returncode == 2
    assert run_command("rollout", "start", "2", "--as", "rev").returncode == 1
    assert run_command("rollout", "start", "2", "--as", "lea").returncode == 0
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        assert {event.by for event in list_events(connection, rollout.id)} == {
            "lea", "driftwarden",
        }  # fmt: skip


def test_revert_now_without_database(desk: RolloutDesk, run_command: Run, tmp_path: Path) -> None:  # noqa: F811
    desk.start()
    desk.tick()
    file = tmp_path / "config.toml"
    before = file.read_text()
    file.write_text(
        'database.url = "postgresql+psycopg2://postgres@127.0.0.1:1/none"\n[models.desk]\n'
    )
    assert run_command("rollout", "revert", "--reason", "bad").returncode == 75
    assert desk.in_force() == (1, 2, 5)
    done = run_command("rollout", "revert", "--now", "--reason", "bad")
    assert (done.returncode, desk.in_force()) == (0, (1, None, 0)), done.stderr
    assert "rollout-journal" in done.stdout
    assert "warning: " in done.stderr
    file.write_text(before)
    done = run_command("rollout", "revert", "--now", "--reason", "bad")
    assert done.returncode == 0
    assert desk.rollout().status == "reverted"


def test_status_shows_a_revert_that_no_row_has(
    desk: RolloutDesk,
    run_command: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    """A revert without the database, which is back before a leader has recorded it."""
    desk.start()
    desk.tick()
    assert "gateway:  version 1 at 95%, version 2 at 5%" in run_command("rollout", "status").stdout
    file = tmp_path / "config.toml"
    before = file.read_text()
    file.write_text(before.replace(before.splitlines()[0], 'database.url = "sqlite:///no/such/db"'))
    done = run_command("rollout", "revert", "--now", "--reason", "it insults users")
    assert done.returncode == 0, done.stderr
    file.write_text(before)
    text = run_command("rollout", "status").stdout
    assert "running at 5%" not in text
    assert "running, 5% wanted, NOT known to be in force" in text
    assert "gateway:  version 1 at 100%" in text
    assert "it insults users" in text
    assert "It moves to" not in text
    assert "Version 2 had 5% when last confirmed" in text
    (document,) = json.loads(run_command("rollout", "status", "--json").stdout)
    assert document["in_force"]["applied"]["canary"] is None
    assert [entry["reason"] for entry in document["in_force"]["reverts"]] == ["it insults users"]
    assert document["not_in_force"]
    desk.apply()
    (document,) = json.loads(run_command("rollout", "status", "--json").stdout)
    assert (document["rollout"]["status"], document["not_in_force"]) == ("reverted", "")


def test_status_shows_a_gateway_that_is_unavailable(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.start()
    desk.tick()
    desk.gateway.available = False
    text = run_command("rollout", "status").stdout
    assert "gateway:  can't be read now" in text
    assert "running at 5%" not in text


def test_refused_step_reverts_a_canary_with_changed_files(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_command: Run,  # noqa: F811
) -> None:
    """No daemon runs: the command reverts by rows and at the gateway."""
    desk = recorded_desk(engine, tmp_path / "weights")
    configure(desk, tmp_path, monkeypatch)
    desk.start()
    desk.tick()
    desk.swap(2)
    done = run_command("rollout", "advance", "--reason", "enough was seen")
    assert (done.returncode, WEIGHTS in done.stderr) == (1, True)
    assert (desk.rollout().status, desk.in_force()) == ("reverted", (1, None, 0))
    done = run_command("models", "promote", "2")
    assert (done.returncode, WEIGHTS in done.stderr) == (1, True)
    desk.restore(2)
    done = run_command("rollout", "start", "2", "--reason", "restored from the backup")
    assert (done.returncode, desk.in_force()) == (0, (1, 2, 5)), done.stderr


def test_experiment_needs_a_gateway_that_keeps_users(
    desk: RolloutDesk,
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk.register()
    able = Capabilities(sticky=False, reads_weights=True, probes=True, fenced=True)
    monkeypatch.setattr(type(desk.gateway), "capabilities", able)
    done = run_command("experiment", "start", "2", "--goal", "errors")
    assert (done.returncode, "keep users" in done.stderr) == (1, True)
    assert desk.in_force() == (1, None, 0)


def test_experiment_commands_start_show_and_stop(desk: RolloutDesk, run_command: Run) -> None:  # noqa: F811
    desk.register()
    assert "no experiment yet" in run_command("experiment", "status").stdout
    done = run_command("experiment", "start", "2", "--goal", "happiness")
    assert (done.returncode, "unknown metric" in done.stderr) == (1, True)
    done = run_command("experiment", "start", "2", "--goal", "errors", "--share", "40")
    assert done.returncode == 0, done.stderr
    assert "experiment 1 of version 2 is running at 40%" in done.stdout
    assert desk.in_force() == (1, 2, 40)
    assert "no hour is complete yet" in run_command("experiment", "status").stdout
    assert run_command("rollout", "advance", "--reason", "x").returncode == 1
    document = json.loads(run_command("experiment", "status", "--json").stdout)
    assert document["experiment"]["settings"]["experiment"]["goals"] == ["errors"]
    assert run_command("experiment", "stop", "--reason", "enough").returncode == 0
    assert desk.in_force() == (1, None, 0)
    assert run_command("experiment", "stop", "--reason", "enough").returncode == 1
