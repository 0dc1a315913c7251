"""`driftwarden incidents`: list, show, and the changes of leads."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import clear, report
from monitor.alerts.until import parse_until
from monitor.daemon.readiness.incidents import incidents_finding
from monitor.errors import InputError
from monitor.settings import Alerts, load_configuration
from monitor.store.alerts.incidents import incident_by_id
from monitor.store.engine import make_engine, transaction
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now
from tests.support.refusals import refusal
from tests.support.review.review_world import PASSWORD
from tests.support.windows.assessments import make_assessment, store_evaluation

NOW = utc_now().replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def stored(tmp_path: Path) -> Engine:
    """Store an incident of drift, one of a condition, and one of the daemon."""
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    migrate(engine)
    (tmp_path / "config.toml").write_text(
        'models.assistant.aliases = ["a-*"]\nmodels.b.aliases = []\n'
        f'database.url = "sqlite:///{tmp_path / "driftwarden.db"}"\n'
    )
    with transaction(engine) as connection:
        evaluation = store_evaluation(connection, make_assessment(0.2), NOW - 10 * DAY)
        handle_evaluation(connection, evaluation, NOW - 3 * DAY, alerts=Alerts())
        report(connection, "no_traffic", "b", NOW, text="silent\x1b[31m", alerts=Alerts())
        report(connection, "records_lost", "", NOW, text="gone", alerts=Alerts())
        create_user(connection, "Lea", PASSWORD, "lead", NOW)
        create_user(connection, "Bo", PASSWORD, "lead", NOW, models=["b"])
    return engine


@pytest.fixture
def run(stored: Engine, run_command: Run) -> Callable[..., str]:  # noqa: F811
    """Return a function that runs `driftwarden incidents` and returns its output."""

    def call(*arguments: str, status: int = 0) -> str:
        done = run_command("incidents", *arguments)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return call


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([], [3, 2, 1]),
        (["--model", "a-7"], [1]),
        (["--cause", "no_traffic"], [2]),
        (["--model", "b", "--cause", "drift"], []),
    ],
)
def test_list_is_filtered_by_model_and_cause(
    run: Callable[..., str], filters: list[str], ids: list[int]
) -> None:
    assert [row["id"] for row in json.loads(run("list", "--json", *filters))] == ids
    assert len(run("list", *filters).splitlines()) == max(1, len(ids))


def test_list_shows_resolved_incidents_on_demand(run: Callable[..., str]) -> None:
    run("resolve", "2", "--as", "Lea", "--reason", "known")
    assert [row["id"] for row in json.loads(run("list", "--json"))] == [3, 1]
    assert [row["id"] for row in json.loads(run("list", "--all", "--json"))] == [3, 2, 1]
    assert "\x1b" not in run("list", "--all")


def test_incident_is_changed_and_shown_with_its_history(
    run: Callable[..., str], stored: Engine
) -> None:
    run("ack", "1", "--as", "Lea")
    run("note", "1", "looked at \x1b[31mit", "--as", "Lea")
    begin = utc_now()
    run("snooze", "1", "4h", "--as", "Lea")
    document = json.loads(run("show", "1", "--json"))
    assert [event["event"] for event in document["events"]] == [
        "opened",
        "acknowledged",
        "noted",
        "snoozed",
    ]
    assert (document["status"], document["fingerprint"], document["version"]) == (
        "snoozed",
        ["input"],
        4,
    )
    assert [window["verdict"] for window in document["consequences"]["windows"]] == ["drift"]
    text = run("show", "1")
    assert "noted by Lea: looked at" in text
    assert "\x1b" not in text
    with transaction(stored) as connection:
        until = incident_by_id(connection, 1).snoozed_until
    assert until is not None
    hours = timedelta(hours=4)
    assert begin + hours <= until + timedelta(seconds=1)
    assert until <= utc_now() + hours


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["ack", "1", "--as", "Bo"], 1),  # leads another model
        (["ack", "3", "--as", "Bo"], 1),  # the daemon's is for leads of all models
        (["ack", "1", "--as", "Nobody"], 2),
        (["ack", "99", "--as", "Lea"], 1),
        (["snooze", "1", "soon", "--as", "Lea"], 2),
        (["snooze", "1", "31d", "--as", "Lea"], 2),
        (["resolve", "1", "--as", "Lea", "--reason", " "], 2),
        (["note", "1", "", "--as", "Lea"], 2),
        (["list", "--cause", "weather"], 2),
        (["list", "--model", "asistant"], 2),  # a typing error is no all-clear
    ],
)
def test_changes_that_are_not_allowed_are_refused(
    run: Callable[..., str], stored: Engine, arguments: list[str], status: int
) -> None:
    run(*arguments, status=status)
    with transaction(stored) as connection:
        assert {incident_by_id(connection, number).version for number in (1, 2, 3)} == {1}


def test_another_lead_takes_an_incident_over(run: Callable[..., str], stored: Engine) -> None:
    with transaction(stored) as connection:
        create_user(connection, "Kim", PASSWORD, "lead", NOW)
    run("ack", "1", "--as", "Lea", "--take-over")
    assert "by Lea" in run("ack", "1", "--as", "Kim", status=1)
    run("ack", "1", "--as", "Kim", "--take-over")
    document = json.loads(run("show", "1", "--json"))
    assert (document["status"], document["acknowledged_by"]) == ("acknowledged", "Kim")
    assert [(event["event"], event["by"]) for event in document["events"]][1:] == [
        ("acknowledged", "Lea"),
        ("acknowledged", "Kim"),
    ]
    run("ack", "1", "--as", "Kim", "--take-over", status=1)


def test_ended_condition_names_the_time_of_its_end(run: Callable[..., str], stored: Engine) -> None:
    assert "not since" not in run("list")
    assert "next: Check that production serves" in run("show", "2")
    with transaction(stored) as connection:
        assert clear(connection, "no_traffic", "b", NOW + DAY, alerts=Alerts()) is None
    day = f"{NOW + DAY:%Y-%m-%d %H:%M}"
    assert [line.split()[0] for line in run("list").splitlines() if day in line] == ["2"]
    assert f"{NOW + DAY:%-d %b %Y, %H:%M}" in run("show", "2")


def test_list_hides_the_acknowledger_of_a_snoozed_incident(run: Callable[..., str]) -> None:
    run("ack", "1", "--as", "Lea")
    assert "Lea" in run("list")
    run("snooze", "1", "4h", "--as", "Lea")
    assert "Lea" not in run("list")


def test_a_resolved_incident_is_not_resolved_again(run: Callable[..., str]) -> None:
    run("resolve", "1", "--as", "Lea", "--reason", "known")
    assert "it is resolved" in run("resolve", "1", "--as", "Lea", "--reason", "known", status=1)


def test_check_names_the_open_incidents(run: Callable[..., str], tmp_path: Path) -> None:
    settings = load_configuration(tmp_path / "config.toml")
    run("ack", "1", "--as", "Lea")
    finding = incidents_finding(settings)
    assert finding.status == "note"
    assert "2 No traffic (b), 3 Records lost" in finding.message
    assert "1 incident acknowledged" in finding.message
    for number in ("1", "2", "3"):
        run("resolve", number, "--as", "Lea", "--reason", "known")
    assert incidents_finding(settings).status == "ok"


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("4h", datetime(2026, 11, 2, 13, tzinfo=UTC)),
        ("2026-11-03T08:00", datetime(2026, 11, 3, 8, tzinfo=UTC)),
        ("2026-11-03T08:00+02:00", datetime(2026, 11, 3, 6, tzinfo=UTC)),
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
    ],
)
def test_a_snooze_ends_by_duration_or_time(text: str, until: datetime) -> None:
    assert parse_until(text, datetime(2026, 11, 2, 9, tzinfo=UTC)) == until


@pytest.mark.parametrize("text", ["", "4", "soon", "-4h", "999999999w"])
def test_other_ends_of_a_snooze_are_refused(text: str) -> None:
    with refusal("snooze_time", InputError):
        parse_until(text, datetime(2026, 11, 2, 9, tzinfo=UTC))
