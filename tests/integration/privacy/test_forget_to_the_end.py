"""`driftwarden forget` where it could never end: unknown folders, labels, a busy database."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.cli.privacy.erasure import _show_result
from monitor.errors import DatabaseUnavailableError
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.end_users.suppression import suppress, unsuppress
from monitor.privacy.erasure import forget as module
from monitor.privacy.erasure.forget import ErasureReport, forget, verify_end_user
from monitor.privacy.proof.findings import RemainingText, SearchResult
from monitor.privacy.subject_export.collection import collect_export
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, Exchange, RolloutObservation, Suppression
from retrain.run_folder import RunFolder, read_lines, write_lines
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    EndUserWorld,
    exchange_ids,
    make_end_user_world,
)
from tests.support.stamped import stamp
from tests.support.traffic.aging_traffic import exchange, store_rows


def with_work_dir(world: EndUserWorld, path: Path) -> EndUserWorld:
    retrain = world.settings.retrain.model_copy(update={"work_dir": str(path)})
    return replace(world, settings=world.settings.model_copy(update={"retrain": retrain}))


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    return with_work_dir(make_end_user_world(engine, tmp_path, clock), tmp_path / "runs")


@pytest.fixture
def command(world: EndUserWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    stamp(world.engine)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", str(world.settings.database.url))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def forget_ann(world: EndUserWorld, clock: datetime, **options: Any) -> ErasureReport:
    return forget(world.engine, world.settings, ErasureRequest(ANN), clock, **options)


def n_found(report: ErasureReport, kind: str) -> int:
    return next(count.n_found for count in report.counts if count.kind == kind)


def places(findings: Sequence[RemainingText], kind: str) -> set[str]:
    return {finding.place for finding in findings if finding.kind == kind}


def unknown_run(folder: Path) -> RunFolder:
    """Return a run's folder with a row of Ann, a row of another, a log and weights."""
    run = RunFolder(folder)
    checkpoint = run.checkpoints / "checkpoint-7"
    checkpoint.mkdir(parents=True)
    (checkpoint / "optimizer.pt").write_bytes(b"\0" * 64)
    run.log.write_text(f"failed on {ANN}\n")
    rows = [
        {"messages": [{"role": "user", "content": f"I am {ANN}."}], "metadata": {}},
        {"messages": [{"role": "user", "content": "Where is my parcel?"}], "metadata": {}},
    ]
    write_lines(run.training_data, rows)
    write_lines(run.validation_data, rows)
    return run


@pytest.mark.parametrize("name", ["run-00999", "archive/2025/run-00001"])
def test_run_folder_unknown_to_the_database_is_erased(
    world: EndUserWorld, clock: datetime, name: str
) -> None:
    run = unknown_run(world.folder / "runs" / name)
    files = {str(run.training_data), str(run.validation_data), str(run.log)}
    request = ErasureRequest(ANN)
    assert files <= places(verify_end_user(world.engine, world.settings, request).findings, "file")

    report = forget_ann(world, clock)

    assert (report.n_left, report.findings) == (0, [])
    assert len(list(read_lines(run.training_data))) == 1
    assert len(list(read_lines(run.validation_data))) == 1
    assert run.log.read_text() == "failed on [erased]\n"
    assert json.loads(run.card.read_text())["removed"][0]["n_rows"] == 2
    for later in (report, forget_ann(world, clock)):
        steps = [step.text for step in later.manual_steps if step.code == "unknown_run"]
        assert [str(run.checkpoints) in text for text in steps] == [True]


def test_validation_rows_without_training_data_are_removed(
    world: EndUserWorld, clock: datetime
) -> None:
    run = unknown_run(world.folder / "runs" / "run-00999")
    run.training_data.unlink()
    report = forget_ann(world, clock)
    assert (report.n_left, report.not_rewritten) == (0, ())
    assert len(list(read_lines(run.validation_data))) == 1


def test_each_models_folder_of_runs_is_searched(
    world: EndUserWorld, clock: datetime, tmp_path: Path
) -> None:
    note = tmp_path / "others" / "notes.txt"
    note.parent.mkdir()
    note.write_text(f"{ANN}\n")
    assert forget_ann(world, clock).findings == []
    settings = with_work_dir(world, note.parent).settings
    findings = verify_end_user(world.engine, settings, ErasureRequest(ANN)).findings
    assert places(findings, "file") == {str(note)}


def test_database_in_the_folder_of_runs_is_no_file(world: EndUserWorld) -> None:
    """Only the search of the database distinguishes longer names from traces."""
    database = Path(str(world.engine.url.database)).resolve()
    settings = with_work_dir(world, database.parent).settings
    findings = verify_end_user(world.engine, settings, ErasureRequest(ANN)).findings
    assert places(findings, "database_file")
    assert not any(place.startswith(str(database)) for place in places(findings, "file"))


def test_label_of_anothers_exchange_counts_as_a_mention(
    world: EndUserWorld, clock: datetime
) -> None:
    before = set(exchange_ids(world.engine).values())
    labels: list[dict[str, Any]] = [
        {"task_type": ANN},
        {"task_type": f"mail of {ANN.upper()}"},
        {"model": ANN},
        {"exchange_id": f"{ANN}/77"},
        {"attributes": {ANN: "tenant"}},
    ]
    rows = [exchange(200 + number, clock, **values) for number, values in enumerate(labels)]
    store_rows(world.engine, rows)
    dry = forget_ann(world, clock, dry_run=True)
    export = collect_export(world.engine, world.settings, ErasureRequest(ANN), clock)
    (part,) = [part for part in export.parts if part.name == "exchanges"]

    report = forget_ann(world, clock)

    n_mentions = len(labels) + 1  # and the one whose response mentions her
    counted = n_found(report, "exchanges") + n_found(report, "exchanges of baselines")
    assert (len(report.mentions), len(dry.mentions)) == (n_mentions, n_mentions)
    assert (counted, len(part.entries)) == (len(HERS) + 1 + n_mentions,) * 2
    assert (report.n_left, report.findings) == (0, [])
    with transaction(world.engine) as connection:
        stored = set(connection.execute(select(Exchange.id)).scalars())
    assert len(stored) == len(before) - len(HERS) - 2
    assert stored < before


def test_observation_with_a_mention_in_its_exchange_id_is_removed(
    world: EndUserWorld, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        last = connection.execute(select(RolloutObservation.id)).scalars().all()[-1]
        statement = update(RolloutObservation).where(RolloutObservation.id == last)
        connection.execute(statement.values(exchange_id=f"{ANN}/1"))
    report = forget_ann(world, clock)
    assert (report.n_left, report.findings) == (0, [])


@pytest.mark.parametrize(
    ("subject", "reason", "stored"),
    [
        ("customer-00765", "customer-00765 consents", "[erased] consents"),
        ("customer-00765", "As CUSTOMER-00765, said.", "As [erased], said."),
        ("customer-00765", "consent of customer-007651", "consent of customer-007651"),
        (ANN, "mail from mailto:Ann@Example.org: yes", "mail from mailto:[erased]: yes"),
        (ANN, "\uff41nn@example.org consents", "[erased] consents"),
        ("17", "user 17 consents (17.)", "user [erased] consents ([erased].)"),
        ("17", "consent of 2017", "consent of 2017"),
    ],
)
def test_id_in_the_reason_is_masked(
    engine: Engine, tmp_path: Path, clock: datetime, subject: str, reason: str, stored: str
) -> None:
    own = Settings(database={"url": engine.url.render_as_string(hide_password=False)})
    suppress(engine, own, subject, "objected", by="kim", now=clock)
    unsuppress(engine, own, subject=subject, reason=reason, by="kim", now=clock)
    with transaction(engine) as connection:
        details = connection.execute(select(AuditEntry.details)).scalars().all()
        reasons = set(connection.execute(select(Suppression.reason)).scalars())
    assert details[-1]["reason"] == stored
    assert reasons == {"objected", stored}
    lines = (tmp_path / "driftwarden.db.suppressions").read_text().splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {"objected", stored}


def test_command_says_that_the_reason_is_masked(command: Any) -> None:
    user = ("--subject", "customer-00765")
    assert command("suppress", "add", *user).exit_code == 0
    done = command("suppress", "remove", *user, "--reason", "customer-00765 consents")
    assert done.exit_code == 0, done.output
    assert "[erased] consents" in done.output


def test_busy_database_says_to_repeat_and_loses_nothing(
    command: Any, world: EndUserWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> None:
        raise DatabaseUnavailableError("database is locked", code="locked")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_remove_exchanges", busy)
        failed = command("forget", "--subject", ANN)
    assert isinstance(failed.exception, DatabaseUnavailableError)
    assert (failed.exception.exit_status, failed.exception.code) == (75, "locked")
    assert "same command again" in str(failed.exception)
    again = command("forget", "--subject", ANN)
    assert again.exit_code == 0, again.output
    assert "75" in " ".join(command("forget", "--help").output.split())


def test_old_state_is_named_only_without_a_row(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        append_entry(connection, clock, "Ada", "version.moved", "model_versions/1", {"reason": ANN})
    findings = [row for row in forget_ann(world, clock).findings if row.kind == "database_file"]
    assert findings
    assert not any("another process" in row.advice for row in findings)


@pytest.mark.usefixtures("short_wait")
def test_old_state_is_named_where_no_row_is_left(world: EndUserWorld, clock: datetime) -> None:
    with closing(sqlite3.connect(str(world.engine.url.database))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        findings = forget_ann(world, clock).findings
        reader.rollback()
    assert findings
    assert all("another process" in row.advice for row in findings)


def test_rows_of_a_table_are_to_be_removed_by_hand(command: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_text(f"user,prompt\n{ANN},hello\n")
    done = command("forget", "--subject", ANN, "--file", copy)
    assert done.exit_code == 1
    last = next(line for line in done.output.splitlines() if "left; " in line)
    assert last == f"1 trace is left; remove the rows of {copy} by hand, then run it again"
    steps = [line for line in done.output.splitlines() if "not rewritten" in line]
    assert [line.count("by hand") for line in steps] == [1]
    copy.unlink()
    assert command("forget", "--subject", ANN, "--file", copy).exit_code == 0


def test_step_that_names_the_id_is_listed_once(
    world: EndUserWorld, clock: datetime, tmp_path: Path
) -> None:
    with transaction(world.engine) as connection:
        append_entry(connection, clock, "Ada", "exported", str(tmp_path / f"of {ANN}.jsonl"), {})
    for report in (forget_ann(world, clock), forget_ann(world, clock)):
        assert [step.code for step in report.manual_steps].count("missing_export") == 1


def test_one_more_place_is_singular(capsys: pytest.CaptureFixture[str]) -> None:
    _show_result(SearchResult(tuple(RemainingText("file", f"f{n}", "") for n in range(101))))
    assert "- and 1 more place\n" in capsys.readouterr().out
