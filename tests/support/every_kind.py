"""World with rows of every kind, as this release writes them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, insert, update

from monitor.alerts.causes import CAUSES
from monitor.alerts.steps import take_step
from monitor.review.decision.decisions import decide
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.flags import flag
from monitor.settings import Review as ReviewSettings
from monitor.store import tables
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.review.taxonomies import save_taxonomy
from monitor.store.transfer.stored_rows import is_json
from monitor.table_types.base import UtcDateTime
from retrain.recipes.recipe import Recipe
from retrain.training.runs import plan_run
from tests.support.retrain.candidates import evaluated
from tests.support.review.human_evaluation import make_human_evaluation, make_version
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import RIGHT, settle
from tests.support.web.rollout_world import add_rollout, check_figures
from tests.support.windows.mapped_window import add_map

MODEL = "assistant"
HOUR = timedelta(hours=1)
FINDING = {
    "kind": "metric", "name": "resolved", "measure": "rate", "reference": 0.9, "estimate": 0.7,
    "lower": 0.6, "upper": 0.8, "p_value": 0.001, "level": 0.005,
}  # fmt: skip
REASON = {"code": "not_shown", "text": "errors: not shown yet", "check": "errors"}


def make_every_kind(engine: Engine, clock: datetime, folder: Path) -> World:
    """Make a world in which every table with words has a row that pages and jobs read."""
    world = make_world(engine, clock, n=12)
    add_map(engine, world.evaluation_id, clock)
    make_human_evaluation(engine, clock)
    reviewers = (world.users["Ada"], world.users["Ben"])
    with transaction(engine) as connection:
        settle(connection, world.batch_id, reviewers, lambda *_: RIGHT, clock)
        decide(connection, world.batch_id, ReviewSettings(), clock)
        for table in (tables.GoldExample, tables.Review):
            connection.execute(delete(table).where(table.item_id > 6))
        waiting = update(tables.ReviewItem).where(tables.ReviewItem.id > 6)
        connection.execute(waiting.values(status="queued"))
        REVIEWS.claim_next(connection, world.users["Ada"], clock, timedelta(days=1))
        connection.execute(update(tables.GoldExample).values(cause="ambiguous"))
        flag(connection, 1, world.rows["Lea"], clock, "personal data")
        for item, status in ((7, "disagreed"), (8, "adjudication")):
            _add(
                connection, tables.Review, item_id=item, reviewer_id=reviewers[0], verdict="reject"
            )
            _add(
                connection, tables.Review, item_id=item, reviewer_id=reviewers[1],
                verdict="correct", error_kind="tone", answerable="yes",
            )  # fmt: skip
            change = update(tables.ReviewItem).where(tables.ReviewItem.id == item)
            connection.execute(change.values(status=status))
        evaluated(connection, make_version(connection, clock), clock)
        plan_run(connection, model=MODEL, recipe=Recipe(base="b"), work_dir=folder, now=clock)
        for cause in ("drift", "no_traffic"):
            assert cause in CAUSES
            take_step(
                connection, None, "opened", by=SYSTEM, now=clock, model=MODEL, cause=cause,
                summary="Drift", fingerprint=frozenset({"input"}), severity=0.3,
                evaluation_id=world.evaluation_id if cause == "drift" else None,
            )  # fmt: skip
    looks = [{"checks": [check_figures()], "reasons": [REASON]} for _ in range(3)]
    add_rollout(engine, clock, status="running", looks=looks)
    with transaction(engine) as connection:
        _add_rest(connection, clock)
    return world


def _add_rest(connection: Connection, clock: datetime) -> None:
    save_taxonomy(connection, "a" * 64, '{"task_types":{}}')
    _add(
        connection, tables.TaxonomyPublication, model=MODEL, number=1, version="a" * 64, text="# a",
        source="file", published_at=clock,
    )  # fmt: skip
    look = _add(
        connection, tables.Look, model=MODEL, looked_until=clock, status="done", alarm=True,
        findings=[FINDING], provenance={"digest": "d"}, n_exchanges=900, n_end_users=90,
        created_at=clock,
    )  # fmt: skip
    connection.execute(
        update(tables.Incident).where(tables.Incident.id == 1).values(last_look_id=look)
    )
    _add(
        connection, tables.Rollout, kind="experiment", model=MODEL, status="completed",
        started_by="lea", finished_at=clock, stable_version_id=1,
    )  # fmt: skip
    for state in ("succeeded", "failed", "running"):
        _add(
            connection, tables.TrainingRun, status=state, model=MODEL, launcher="subprocess",
            recipe=msgspec.to_builtins(Recipe(base="b")), started_at=clock,
        )  # fmt: skip
    _add(connection, tables.StageChange, from_stage="candidate", to_stage="canary")
    count = {"day": clock, "kind": "metric", "name": "resolved", "hours": [1.0] * 24}
    connection.execute(insert(tables.SignalCount).values(model=MODEL, **count))
    progress = {"counted_id": 0, "next_id": 0, "next_until": clock, "next_at": clock}
    connection.execute(
        insert(tables.SignalProgress).values(
            counted_table="exchanges", counted_until=clock, **progress
        )
    )
    rows: list[tuple[type[tables.Base], dict[str, Any]]] = [
        (tables.ProbeSet, {"model": MODEL}),
        (tables.ProbeRun, {"role": "stable", "purpose": "schedule", "status": "done",
                           "verdict": "same", "model": MODEL, "finished_at": clock}),
        (tables.Probe, {"kind": "safety", "status": "done", "model": MODEL, "passed": True}),
        (tables.Erasure, {}),
        (tables.Taint, {"cause": "trained_on", "model": MODEL, "version_id": 1}),
        (tables.PrivacyRequest, {"kind": "access"}),
        (tables.StaffSentence, {"table_name": "reviews", "column_name": "comment", "row_key": [1],
                                "number": 1, "found_by": "id", "decision": "include"}),
        (tables.Suppression, {"action": "added", "reason": "objected"}),
        (tables.AccessEntry, {"source": "web", "action": "read", "kind": "item", "actor": "Lea"}),
        (tables.DeadLetter, {"reason": "invalid_json"}),
        (tables.PendingHalf, {"side": "request"}),
        (tables.SlackAction, {"action": "acknowledge", "subject": "incident:1",
                              "outcome": "done"}),
        (tables.OutboxMessage, {"kind": "post", "model": MODEL, "subject": "drift",
                                "incident_id": 1, "payload": {"text": "t", "blocks": []}}),
        (tables.RolloutObservation, {"arm": "canary", "model": MODEL}),
        (tables.ReviewProposal, {"item_id": 7, "verdict": "reject", "error_kind": "tone"}),
    ]  # fmt: skip
    for table, values in rows:
        _add(connection, table, **values)


def _add(connection: Connection, table: type[tables.Base], **values: Any) -> int:
    """Insert a row; what isn't named and has no default is the plainest value of its type."""
    declared: Table = table.metadata.tables[table.__tablename__]
    columns = {
        column.name: _plainest(column)
        for column in declared.columns
        if not (column.nullable or column.default or column.server_default or column.primary_key)
    }
    row = connection.execute(insert(declared).values(columns | values))
    return int((row.inserted_primary_key or (0,))[0])


def _plainest(column: Any) -> Any:
    if column.foreign_keys:
        return 1
    if is_json(column.type):
        return [] if column.name in {"items", "findings", "checks"} else {}
    if isinstance(column.type, UtcDateTime):
        return datetime(2026, 11, 2, 9, tzinfo=UTC)
    kind = column.type.python_type
    words = {"verdict": "accept", "error_kind": "", "resolution": "agreed"}
    return words.get(column.name, f"the {column.name}") if kind is str else kind()
