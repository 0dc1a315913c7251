"""`driftwarden check --now`: what is broken, the worst first, each with its command."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from monitor.alerts.incidents import acknowledge, report
from monitor.daemon.readiness import checks
from monitor.daemon.readiness.finding import Finding
from monitor.errors import BrokerUnavailableError
from monitor.settings import Alerts
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import renew_lease, take_lease
from monitor.store.tables.leadership import Leadership
from monitor.store.tables.traffic import SourceOffset
from monitor.store.traffic.offsets import claim, record_caught_up
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now

NOW = utc_now().replace(microsecond=0)
HOUR = timedelta(hours=1)
ALERTS = Alerts()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return the database of a site without a fault: a leader, and a topic that is read."""
    monkeypatch.setattr(
        "monitor.traffic.kafka.consumer.probe_topic", lambda *_: dict.fromkeys(range(3), 0)
    )
    # The encoder is the same everywhere, and other tests load it.
    monkeypatch.setattr(checks, "encoder_finding", lambda *_: Finding("ok", ""))
    url = f"sqlite:///{tmp_path / 'driftwarden.db'}"
    (tmp_path / "config.toml").write_text(
        f'database.url = "{url}"\nmodels.desk.aliases = []\nmodels.b.aliases = []\n'
    )
    engine = make_engine(url)
    migrate(engine)
    with transaction(engine) as connection:
        take_lease(connection, "host:1:abc", timedelta(hours=1))
        connection.execute(update(Leadership).values(acquired_at=NOW - 5 * HOUR, worked_at=NOW))
        claim(connection, "llm-traffic", 0, first=0, now=NOW)
        record_caught_up(connection, "llm-traffic", {0: NOW})
    return engine


def findings(run: Run, status: int) -> list[dict[str, Any]]:
    done = run("check", "--now", "--json")
    assert done.returncode == status, done.stdout
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def test_a_site_without_a_fault_is_one_line(site: Engine, run_command: Run) -> None:  # noqa: F811
    done = run_command("check", "--now")

    assert done.returncode == 0, done.stdout
    (line,) = done.stdout.splitlines()
    assert f"2 models, {site.url}" in line
    assert findings(run_command, 0) == []


def test_advice_on_the_set_up_is_in_the_other_form(
    site: Engine,
    run_command: Run,  # noqa: F811
) -> None:
    with transaction(site) as connection:
        renew_lease(connection, 1, timedelta())
        report(connection, "messages_undelivered", "", NOW, text="away", alerts=ALERTS)

    done = run_command("check", "--json")

    results = json.loads(done.stdout)
    # `driftwarden check && driftwarden run` starts the daemon that is missing.
    assert {"user ids", "reviewers", "leader", "incidents"} <= {
        finding["name"] for finding in results if finding["status"] == "note"
    }
    ranks = [("fail", "note", "ok").index(finding["status"]) for finding in results]
    assert ranks == sorted(ranks)
    assert {finding.get("model") for finding in results if finding["name"] == "baseline"} == {
        "desk",
        "b",
    }
    assert done.returncode == 1  # no baseline


def test_findings_are_sorted_worst_first(
    site: Engine,
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise BrokerUnavailableError("no broker listens at kafka:9092")

    monkeypatch.setattr("monitor.traffic.kafka.consumer.probe_topic", refuse)
    with transaction(site) as connection:
        record_caught_up(connection, "llm-traffic", {0: utc_now()})
    (elsewhere,) = findings(run_command, 0)  # ingest has just read the topic
    assert (elsewhere["name"], elsewhere["status"]) == ("broker", "note")
    assert "ingest read the topic" in elsewhere["message"]
    with transaction(site) as connection:
        record_caught_up(connection, "llm-traffic", {0: NOW - timedelta(minutes=2)})
        connection.execute(update(SourceOffset).values(updated_at=NOW - timedelta(minutes=2)))
        renew_lease(connection, 1, timedelta())
        ids = [
            report(connection, cause, model, NOW, text=cause, alerts=ALERTS)
            for cause, model in (
                ("queue_not_worked", "b"),
                ("no_traffic", "desk"),
                ("messages_undelivered", ""),
                ("weights_changed", "b"),
            )
        ]
        acknowledge(connection, ids[3], "Lea", NOW, alerts=ALERTS)

    results = findings(run_command, 1)

    assert [(finding["name"], finding["command"].split()[-1]) for finding in results] == [
        ("leader", "run"),
        ("incidents", str(ids[2])),
        ("broker", "again"),
        ("incidents", str(ids[3])),
        ("incidents", str(ids[1])),
        ("incidents", str(ids[0])),
    ]
    assert [finding["status"] for finding in results] == ["fail"] * 5 + ["note"]
    assert [finding.get("model", "") for finding in results] == ["", "", "", "b", "desk", "b"]
    assert "Lea" in results[3]["message"]
    text = run_command("check", "--now").stdout.splitlines()
    assert len(text) == 2 * len(results)
    assert text[0].startswith("FAIL leader")
    assert text[1].endswith("-> driftwarden run")


def test_a_warning_alone_is_not_broken(site: Engine, run_command: Run) -> None:  # noqa: F811
    with transaction(site) as connection:
        report(connection, "queue_not_worked", "b", NOW, text="untouched", alerts=ALERTS)

    (results,) = findings(run_command, 0)
    assert results["status"] == "note"


def test_a_condition_without_an_incident_is_a_finding(
    site: Engine,
    run_command: Run,  # noqa: F811
) -> None:
    with transaction(site) as connection:
        record_caught_up(connection, "llm-traffic", {0: NOW - HOUR})
        claim(connection, "llm-traffic", 1, first=0, now=NOW - HOUR)

    (stalled,) = findings(run_command, 1)
    assert (stalled["name"], stalled["status"]) == ("conditions", "fail")
    assert "partition 1" in stalled["message"]

    with transaction(site) as connection:
        report(connection, "consumer_stalled", "", NOW, text="known", alerts=ALERTS)
    (known,) = findings(run_command, 1)
    assert known["name"] == "incidents"


def test_ages_are_by_the_clock_of_the_database(
    site: Engine,
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    then = NOW - HOUR  # this host is an hour ahead
    monkeypatch.setattr("monitor.store.leadership.database_time", lambda _: then)
    with transaction(site) as connection:
        record_caught_up(connection, "llm-traffic", {0: then})
        connection.execute(update(SourceOffset).values(updated_at=then))
        connection.execute(update(Leadership).values(worked_at=then, expires_at=NOW))

    assert findings(run_command, 0) == []


def test_a_new_leader_has_time_to_catch_up(
    site: Engine,
    run_command: Run,  # noqa: F811
) -> None:
    with transaction(site) as connection:
        claim(connection, "llm-traffic", 1, first=0, now=NOW - HOUR)
        connection.execute(update(Leadership).values(acquired_at=NOW))

    assert findings(run_command, 0) == []


def test_a_database_that_is_away_hides_nothing_else(
    site: Engine,
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "driftwarden.db").unlink()

    (database,) = findings(run_command, 1)
    assert database["name"] == "database"
    assert "db upgrade" in database["message"]
    assert database["message"].endswith(
        "without it: leader, incidents, conditions, messages, ingest"
    )

    lines = run_command("check").stdout.splitlines()
    (broker,) = [line for line in lines if line[5:].startswith("broker  ")]
    assert broker.startswith("ok  ")
    assert "3 partitions" in broker
