"""`driftwarden forget` where others name or quote the end user: tables, files, exports, raw bytes.

Each test is an attempt to falsify "nothing is left".
"""

import gzip
import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.forget import ErasureReport, forget, verify_end_user
from monitor.review.export import read_gold, sft_rows
from monitor.settings import ModelSection
from monitor.store.audit_log import append_entry, check_chain
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from monitor.store.tables import (
    CandidateEvaluation,
    Exchange,
    GoldExample,
    ModelVersion,
    OutboxMessage,
    Report,
    Review,
    ReviewAssignment,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
    Rollout,
    RolloutEvent,
    SignalCount,
    StageChange,
    TrainingRun,
    UnlistedExchanges,
    User,
    UserGrant,
)
from monitor.store.training.registry import version_by_id
from monitor.store.training.runs import finish_run, mark_running, run_by_id
from retrain.run_folder import RunFolder, write_lines
from retrain.training.resumption import reopen
from retrain.training.runs import plan_run
from tests.integration.privacy.end_user_world import (
    ANN,
    HERS,
    RECIPE,
    WORD,
    EndUserWorld,
    audit_entries,
    exchange_ids,
    make_end_user_world,
    prompt_of,
)
from tests.integration.privacy.test_forget import everything_stored
from tests.support.refusals import refusal
from tests.support.retrain.fake_launcher import FakeLauncher

#: A quote of one of her prompts, in another's words.
QUOTED = f"as in “{prompt_of(HERS[0])}”, see above"
NAMED = f"ask {ANN.upper()} about it"
#: Where the quote has other spaces, case and escapes.
SPELLINGS = {
    "spaces": prompt_of(HERS[0]).replace(" ", "\n   "),
    "case": prompt_of(HERS[0]).upper(),
    "python": repr(prompt_of(HERS[0]).replace(" ", "\n")),
    "html": prompt_of(HERS[0]).replace(" ", "&nbsp;"),
    "marks": f"**{prompt_of(HERS[0])}**",
}


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: datetime) -> EndUserWorld:
    return make_end_user_world(engine, tmp_path, clock)


def forget_ann(world: EndUserWorld, clock: datetime, **options: Any) -> ErasureReport:
    return forget(world.engine, world.settings, ErasureRequest(ANN), clock, **options)


def other_item(world: EndUserWorld) -> int:
    """Return a review item of somebody else."""
    hers = {row_id for n, row_id in exchange_ids(world.engine).items() if n in HERS}
    with transaction(world.engine) as connection:
        rows = connection.execute(select(ReviewItem.id, ReviewItem.exchange_id)).all()
    return int(next(row.id for row in rows if row.exchange_id not in hers))


def assert_nothing_left(world: EndUserWorld, report: ErasureReport) -> None:
    assert (report.findings, report.n_left) == ([], 0)
    left = everything_stored(world.engine).replace(b"joann@example.organic".hex(), "").lower()
    assert WORD not in left
    assert ANN not in left


@pytest.mark.parametrize("words", [QUOTED, NAMED])
def test_words_about_other_items_are_masked_in_place(
    world: EndUserWorld, clock: datetime, words: str
) -> None:
    item = other_item(world)
    with transaction(world.engine) as connection:
        for table, values in (
            (Review, {"comment": words, "corrected_response": words}),
            (ReviewProposal, {"comment": words}),
            (ReviewMessage, {"text": words}),
            (ReviewAssignment, {"draft": {"a": [words]}, "declined_reason": words}),
            (GoldExample, {"response": words, "comment": words}),
        ):
            statement = update(table).where(table.item_id == item)
            connection.execute(statement.values(**values))
        flags = {"excluded_reason": words, "reopened_reason": words, "task_type": words}
        connection.execute(update(ReviewItem).where(ReviewItem.id == item).values(**flags))

    assert_nothing_left(world, forget_ann(world, clock))

    with transaction(world.engine) as connection:
        gold = connection.execute(
            select(GoldExample.response).where(GoldExample.item_id == item)
        ).scalar_one()
        assert gold in {"as in “[erased]?”, see above", "ask [erased] about it"}
        exported = json.dumps(
            sft_rows(read_gold(connection, ModelSection(), ItemFilter()), ModelSection())
        )
    assert "[erased]" in exported
    assert WORD not in exported
    assert ANN not in exported.lower()


def test_words_of_runs_rollouts_and_stages_are_masked(world: EndUserWorld, clock: datetime) -> None:
    words = f"{NAMED}; {QUOTED}"
    with transaction(world.engine) as connection:
        evaluation = {
            "version_id": world.version_id, "status": "failed", "launcher": "subprocess",
            "work_dir": "x", "request": {words: [words]}, "file_digest": "x", "error": words,
            "termination_error": words, "approved_reason": words, "planned_by": "lea",
            "next_attempt_at": clock, "created_at": clock, "finished_at": clock,
        }  # fmt: skip
        connection.execute(insert(CandidateEvaluation).values(evaluation))
        connection.execute(update(OutboxMessage).values(error=words))
        connection.execute(update(Rollout).values(reason=words))
        rollout = connection.execute(select(Rollout.id)).scalars().first()
        event = {
            "rollout_id": rollout, "event": "paused", "to_status": "paused", "weight_percent": 5,
            "by": "lea", "at": clock, "reason": words, "details": {"why": words},
        }  # fmt: skip
        connection.execute(insert(RolloutEvent).values(event))
        change = {
            "version_id": world.version_id, "from_stage": "candidate", "to_stage": "production",
            "changed_by": "lea", "reason": words, "changed_at": clock,
        }  # fmt: skip
        connection.execute(insert(StageChange).values(change))
        connection.execute(
            update(TrainingRun).values(
                termination_error=words, progress={"log": [words]}, result={"error": words}
            )
        )
        connection.execute(update(ModelVersion).values(lineage={"note": words}))
        grant = {"user_id": 1, "model": "*", "role": "reviewer", "task_types": [ANN, "other"]}
        connection.execute(insert(UserGrant).values(grant))

    assert_nothing_left(world, forget_ann(world, clock))

    with transaction(world.engine) as connection:
        error = connection.execute(select(CandidateEvaluation.error)).scalar_one()
        types = connection.execute(select(UserGrant.task_types)).scalar_one()
    assert error == "ask [erased] about it; as in “[erased]?”, see above"
    assert types == ["[erased]", "other"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_quote_is_found_in_any_spelling(
    world: EndUserWorld, clock: datetime, spelling: str
) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(OutboxMessage).values(error=f"x {SPELLINGS[spelling]} y"))
    assert_nothing_left(world, forget_ann(world, clock))


def test_earlier_turn_of_the_conversation_is_masked(world: EndUserWorld, clock: datetime) -> None:
    turn = "My aunt Gundula lives at Seven Oaks near Rye"
    system = "You are a helpful assistant of the parcel service"
    messages = [{"role": "system", "content": system}, {"role": "user", "content": turn}]
    row = exchange_ids(world.engine)[HERS[0]]
    with transaction(world.engine) as connection:
        connection.execute(update(Exchange).where(Exchange.id == row).values(messages=messages))
        connection.execute(update(OutboxMessage).values(error=f"{turn}! {system}."))
    assert_nothing_left(world, forget_ann(world, clock))
    with transaction(world.engine) as connection:
        errors = set(connection.execute(select(OutboxMessage.error)).scalars())
    assert errors == {f"[erased]! {system}."}


def test_words_that_others_wrote_too_stay(world: EndUserWorld, clock: datetime) -> None:
    """Their owner is unknown, and the text is another user's."""
    common = "Please tell me where the nearest branch office is"
    ids = exchange_ids(world.engine)
    with transaction(world.engine) as connection:
        for number in (HERS[0], 4):
            statement = update(Exchange).where(Exchange.id == ids[number])
            connection.execute(statement.values(prompt=common))
        connection.execute(update(OutboxMessage).values(error=f"failed: {common}"))
    assert forget_ann(world, clock).findings == []
    with transaction(world.engine) as connection:
        errors = set(connection.execute(select(OutboxMessage.error)).scalars())
    assert errors == {f"failed: {common}"}


def test_packed_report_and_label_of_a_model_are_erased(
    world: EndUserWorld, clock: datetime
) -> None:
    page = gzip.compress(f"<p>{QUOTED}</p><i>{ANN}</i>".encode())
    with transaction(world.engine) as connection:
        connection.execute(
            insert(Report).values(
                evaluation_id=world.evaluation_id, kind="evidently", content=page, created_at=clock
            )
        )
        counted = {"source": "topic", "day": clock, "count": 1, "estimated_total": 1.0}
        for label in (f"tuned-for-{ANN}", ANN, "other"):
            connection.execute(insert(UnlistedExchanges).values(model=label, **counted))
            metric = {"model": "assistant", "day": clock, "kind": "metric", "hours": [1] * 24}
            connection.execute(insert(SignalCount).values(name=label, **metric))
    before = verify_end_user(world.engine, world.settings, ErasureRequest(ANN)).findings
    counts = {"unlisted_exchanges.model", "signal_counts.name"}
    assert {"reports.content", *counts} <= {row.place for row in before}

    assert_nothing_left(world, forget_ann(world, clock))

    with transaction(world.engine) as connection:
        content = connection.execute(select(Report.content)).scalar_one()
        labels = connection.execute(select(UnlistedExchanges.model)).scalars().all()
        names = connection.execute(select(SignalCount.name)).scalars().all()
    assert gzip.decompress(content).decode() == "<p>as in “[erased]?”, see above</p><i>[erased]</i>"
    assert labels == names == ["other"]


def cancelled_run(world: EndUserWorld, clock: datetime) -> tuple[int, RunFolder]:
    """Return a cancelled run with her rows, a checkpoint, an adapter and logs that quote her."""
    with transaction(world.engine) as connection:
        run = plan_run(
            connection,
            model="assistant",
            recipe=RECIPE,
            work_dir=world.folder / "runs",
            now=clock,
        )
        mark_running(connection, run, {"number": 2}, clock)
        finish_run(connection, run, "cancelled", finished_at=clock)
        folder = RunFolder(Path(run_by_id(connection, run).work_dir))
    checkpoint = folder.checkpoints / "checkpoint-7"
    checkpoint.mkdir(parents=True)
    folder.adapter.mkdir()
    (folder.adapter / "adapter_model.safetensors").write_bytes(b"\0" * 64)
    (folder.adapter / "lineage.json").write_text(json.dumps({"note": NAMED}))
    (checkpoint / "trainer_state.json").write_text(json.dumps({"log": [QUOTED]}))
    (checkpoint / "optimizer.pt").write_bytes(b"\0" * 64)
    folder.log.write_text(f"ValueError: {prompt_of(HERS[1])!r}\nthe end\n")
    folder.task("evaluate").log.write_text(f"{NAMED}\n")
    folder.card.write_text(json.dumps({"digest": "x", "removed": []}))
    row = {"messages": [{"role": "user", "content": prompt_of(HERS[0])}],
           "metadata": {"exchange_id": f"exchange-{HERS[0]}", "model": "assistant"}}  # fmt: skip
    write_lines(folder.training_data, [row])
    return run, folder


def test_weights_of_a_cancelled_run_are_named_on_every_erasure(
    world: EndUserWorld, clock: datetime
) -> None:
    run, folder = cancelled_run(world, clock)
    first = forget_ann(world, clock)
    assert_nothing_left(world, first)
    assert folder.log.read_text() == "ValueError: '[erased]?'\nthe end\n"
    assert folder.task("evaluate").log.read_text() == "ask [erased] about it\n"
    assert "[erased]" in (folder.adapter / "lineage.json").read_text()

    second = forget_ann(world, clock + timedelta(days=30))

    for report in (first, second):
        (weights,) = [step.text for step in report.manual_steps if step.code == "weights"]
        assert str(folder.checkpoints) in weights
        assert str(folder.adapter) in weights
        named = [step.text for step in report.manual_steps if step.code == "model_version"]
        assert len(named) == 2
        assert all("can't forget" in text for text in (weights, *named))
    assert not any(count.n_found for count in second.counts)
    with refusal("tainted"):
        reopen(world.engine, run, FakeLauncher(), clock, resumed_by="lea")
    with transaction(world.engine) as connection:
        lineage = version_by_id(connection, world.version_id).lineage
    assert lineage["taints"][0]["cause"] == "trained_on"


def test_rows_of_others_that_quote_are_removed_from_files(
    world: EndUserWorld, clock: datetime
) -> None:
    """Gold of another item that quotes her was exported and trained on; a benchmark stays."""

    def row(number: int, response: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": f"parcel {number}"}]
        messages.append({"role": "assistant", "content": response})
        return {"messages": messages, "metadata": {"exchange_id": f"other-{number}-of-somebody"}}

    rows = [row(1, QUOTED), row(2, "On its way.")]
    write_lines(world.run.training_data, rows)
    write_lines(world.run.evaluation_responses(1), [])
    export, original = world.folder / "gold.jsonl", world.folder / "original.jsonl"
    write_lines(export, rows)
    write_lines(original, rows)
    with transaction(world.engine) as connection:
        append_entry(connection, clock, "Ada", "exported", str(export), {})

    report = forget_ann(world, clock)

    assert_nothing_left(world, report)
    for path, n_rows in ((world.run.training_data, 1), (export, 1), (original, 2)):
        assert len(path.read_text().splitlines()) == n_rows, path
    with transaction(world.engine) as connection:
        assert version_by_id(connection, world.version_id).lineage["taints"]


def test_dry_run_prints_the_same_and_taints_nothing(world: EndUserWorld, clock: datetime) -> None:
    cancelled_run(world, clock)
    dry = forget_ann(world, clock, dry_run=True)
    with transaction(world.engine) as connection:
        assert "taints" not in version_by_id(connection, world.version_id).lineage
    assert set(dry.manual_steps) == set(forget_ann(world, clock).manual_steps)


def test_unregistered_file_is_found_by_the_verification(
    world: EndUserWorld, clock: datetime
) -> None:
    copy = world.run.root / "notes" / "mine.txt"
    copy.parent.mkdir()
    copy.write_text(f"remember: {ANN}")
    report = forget_ann(world, clock)
    assert [(row.kind, row.place) for row in report.findings] == [("file", str(copy))]
    copy.unlink()
    assert verify_end_user(world.engine, world.settings, ErasureRequest(ANN)).findings == ()


@pytest.mark.usefixtures("short_wait")
def test_old_pages_of_the_database_are_found_by_the_verification(
    world: EndUserWorld, clock: datetime
) -> None:
    """A reader keeps the write-ahead log, and with it what was removed."""
    with closing(sqlite3.connect(str(world.engine.url.database))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM exchanges").fetchone()
        report = forget_ann(world, clock)
        kinds = {row.kind for row in report.findings}
        assert kinds == {"database_file"}
        assert "database_files" in {step.code for step in report.manual_steps}
        reader.rollback()
    assert forget_ann(world, clock).findings == []


def test_entries_of_the_audit_log_are_named_and_stay(world: EndUserWorld, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        details = {"reason": NAMED}
        append_entry(connection, clock, "Ada", "version.moved", "model_versions/1", details)
    number = len(audit_entries(world.engine))
    report = forget_ann(world, clock)
    assert "audit_log.details" in {row.place for row in report.findings}
    steps = [step.text for step in report.manual_steps if step.code == "audit_log"]
    assert any(f"entries {number} " in step for step in steps)
    with transaction(world.engine) as connection:
        assert check_chain(connection).broken_at is None


def test_account_of_staff_and_longer_names_are_no_finding(
    world: EndUserWorld, clock: datetime
) -> None:
    with transaction(world.engine) as connection:
        user = {"id": 3, "name": ANN, "password_hash": "x", "active": True, "created_at": clock}
        connection.execute(insert(User).values(user))
        connection.execute(update(OutboxMessage).values(error=f"mail to jo{ANN}ic"))
    assert forget_ann(world, clock).findings == []
    with transaction(world.engine) as connection:
        assert connection.execute(select(User.name).where(User.id == 3)).scalar_one() == ANN
        errors = set(connection.execute(select(OutboxMessage.error)).scalars())
    assert errors == {f"mail to jo{ANN}ic"}
