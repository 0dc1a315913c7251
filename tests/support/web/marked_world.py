"""A world in which each column that may hold personal data has a text of its own.

Markers are made from the schema: a new column is marked without a line here.
"""

import gzip
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, and_, func, select, update

from monitor.accounts.registration import create_user
from monitor.alerts.steps import take_step
from monitor.privacy.erasure.masking import GZIP
from monitor.review.decision.decisions import decide
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.flags import flag
from monitor.settings import Review as ReviewSettings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.access_log import Access, append_access
from monitor.store.accounts.grants import delete_grants
from monitor.store.alerts.outbox import add_message
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.engine import transaction
from monitor.store.review.items import items_of_batches, update_item
from monitor.store.review.taxonomies import insert_publication, save_taxonomy
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, table_names
from monitor.store.training.runs import save_progress
from monitor.store.transfer.stored_rows import JsonText, is_json
from monitor.store.windows.looks import LookFinding, save_look
from monitor.table_types.contents import Content
from retrain.recipes.recipe import Recipe
from retrain.training.runs import plan_run
from tests.support.filled_tables import fill_tables
from tests.support.places import words_of_the_program
from tests.support.review.human_evaluation import SYSTEMS, make_human_evaluation, rate_all, rows
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.review.settled_items import RIGHT, Told, settle
from tests.support.search.indexed import index
from tests.support.web.rollout_world import add_rollout, check_figures
from tests.support.windows.mapped_window import add_map

#: Table and column by their numbers.
MARK = re.compile(r"zz(\d+)x(\d+)zz", re.IGNORECASE)
#: Tables of the walk itself, and of one row.
UNMARKED = {"web_sessions", "sign_in_attempts", "leadership", "user_id_keys"}
#: Columns without a text in this world: numbers, and documents that are read field by field.
WITHOUT_TEXT = {
    ("drift_evaluations", "prompt_map"), ("drift_evaluations", "sample_scores"),
    ("human_evaluations", "results"), ("training_runs", "plan"),
    ("training_runs", "start_request"), ("user_grants", "task_types"),
}  # fmt: skip
MARKED_CONTENTS = {*Content} - {Content.NONE, Content.FIGURE}
#: Users with a role on another model only.
OUTSIDERS = {"Rob": "reviewer", "Yara": "lead"}
DISAGREED = Told("accept", "reject", None, "other", "yes")


def marker(table: str, column: str) -> str:
    names = table_names()
    return f"zz{names.index(table)}x{list(columns_of(table)).index(column)}zz"


def marks_in(text: str) -> set[tuple[str, str]]:
    """Return table and column of each marker in a response."""
    names = table_names()
    return {
        (names[int(table)], list(columns_of(names[int(table)]))[int(column)])
        for table, column in MARK.findall(text)
    }


def make_marked_world(engine: Engine, clock: datetime, folder: Path) -> list[int]:
    """Make a world with a row of every kind that pages show; return an item of each status."""
    world = make_world(engine, clock, n=12)
    add_map(engine, world.evaluation_id, clock)
    open_one = make_human_evaluation(engine, clock)
    # Items that an open one has too are hidden in a locked one.
    inputs = [{**row, "benchmark": "another"} for row in rows(6)]
    locked = make_human_evaluation(engine, clock, inputs=inputs)
    ada, ben = world.users["Ada"], world.users["Ben"]
    states = (RIGHT, RIGHT, DISAGREED, DISAGREED, RIGHT)
    rate_all(
        engine, locked, ben, clock,
        dict.fromkeys(SYSTEMS, dict.fromkeys(HumanEvaluationPlan().dimensions, 3)),
    )  # fmt: skip
    with transaction(engine) as connection:
        settle(
            connection, world.batch_id, (ada, ben),
            lambda n, _: states[n] if n < len(states) else None, clock,
        )  # fmt: skip
        ordered = items_of_batches(connection, [world.batch_id])
        for item, status in zip(ordered[2:4], ("disagreed", "adjudication"), strict=True):
            update_item(connection, item.id, status=status)
        lock_human_evaluation(connection, locked, world.rows["Lea"], clock, allow_missing=True)
        decide(connection, world.batch_id, ReviewSettings(), clock)
        save_taxonomy(connection, "a" * 64, '{"task_types":{}}')
        insert_publication(
            connection, "assistant", 1, version="a" * 64, file_version="", text="# a",
            source="page", published_by="Lea", published_at=clock,
        )  # fmt: skip
        lease = timedelta(days=10_000)
        for user in (ada, ben):
            at_work = REVIEWS.claim_next(connection, user, clock, lease)
            assert at_work is not None
            RatingQueue(open_one).claim_next(connection, user, clock, lease)
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="b"), work_dir=folder, now=clock
        )
        save_progress(connection, run, {"log": ["a line"]})
        finding = LookFinding(
            kind="input", name="", measure="unlike", reference=0.0, estimate=0.2, lower=0.1,
            upper=0.3, p_value=0.001, level=0.01, topic="late parcels", examples=(1, 2),
        )  # fmt: skip
        look = save_look(
            connection, model="assistant", looked_until=clock - timedelta(days=6), n_exchanges=10,
            n_end_users=10, findings=[finding], provenance={}, now=clock,
        )  # fmt: skip
        take_step(
            connection, None, "opened", by=SYSTEM, now=clock, model="assistant", summary="drift",
            fingerprint=frozenset({"input"}), severity=0.3, evaluation_id=world.evaluation_id,
        )  # fmt: skip
        incidents = metadata.tables["incidents"]
        connection.execute(update(incidents).values(opening_look_id=look, last_look_id=look))
        add_message(
            connection, dedupe_key="m", model="assistant", incident_id=1, kind="post",
            payload={"text": "a message"}, now=clock,
        )  # fmt: skip
        flag(connection, 10, world.rows["Lea"], clock, "a reason")
        create_user(connection, "Max", PASSWORD, "admin", clock)
        create_user(connection, "Dan", PASSWORD, "reviewer", clock)
        for name, role in OUTSIDERS.items():
            create_user(connection, name, PASSWORD, role, clock, models=["other"])
        delete_grants(connection, create_user(connection, "Nora", PASSWORD, "lead", clock), ["*"])
        items = metadata.tables["review_items"]
        of_status = select(func.min(items.c.id)).group_by(items.c.status)
        numbers = sorted(connection.execute(of_status).scalars())
    looks = [{"checks": [check_figures()], "reasons": [{"code": "x", "text": "a reason"}]}]
    add_rollout(engine, clock, looks=looks)
    index(engine, clock)
    return [*numbers, at_work]


def mark(engine: Engine, clock: datetime) -> set[tuple[str, str]]:
    """Fill empty tables and mark each column; return the columns that have their marker."""
    marked = {
        *(("audit_log", name) for name in ("actor", "subject", "details")),
        *(("access_log", name) for name in ("actor", "address", "peer")),
    }
    with transaction(engine) as connection:
        empty = {
            name
            for name in table_names()
            if name not in UNMARKED and not _count(connection, metadata.tables[name])
        }
        fill_tables(connection, metadata, only=empty, n_rows=1)
        connection.execute(update(metadata.tables["staff_sentences"]).values(number=1))
        append_entry(
            connection, clock, marker("audit_log", "actor"), "noted",
            marker("audit_log", "subject"), {"note": marker("audit_log", "details")},
        )  # fmt: skip
        append_access(
            connection,
            Access(
                occurred_at=clock, source="web", actor=marker("access_log", "actor"),
                action="read", kind="item", object_id="1", model="assistant", place="/review/1",
                address=marker("access_log", "address"), peer=marker("access_log", "peer"),
            ),
        )  # fmt: skip
        for name in set(table_names()) - UNMARKED - {"audit_log", "access_log"}:
            for column, facts in columns_of(name).items():
                is_marked = facts.content in MARKED_CONTENTS and (name, column) not in WITHOUT_TEXT
                if is_marked and _mark(connection, name, column):
                    marked.add((name, column))
    return marked


def _mark(connection: Connection, name: str, column: str) -> bool:
    """Put the marker into each value of a column, and into one that is NULL; return whether."""
    columns = metadata.tables[name].columns
    plain = Table(
        name, MetaData(),
        *(Column(c.name, JsonText() if is_json(c.type) else c.type, primary_key=c.primary_key)
          for c in columns),
    )  # fmt: skip
    keys = list(plain.primary_key.columns)
    rows = connection.execute(select(*keys, plain.c[column]).order_by(*keys)).all()
    is_marked = False
    for *key, value in rows:
        is_last = key == list(rows[-1][:-1])
        new = _marked(marker(name, column), value, plain.c[column].type, fill=is_last)
        if new not in {None, value}:
            where = and_(*(part == of_row for part, of_row in zip(keys, key, strict=True)))
            connection.execute(plain.update().where(where).values({column: new}))
            is_marked = True
    return is_marked


def _marked(mark: str, value: Any, kind: Any, *, fill: bool) -> Any:
    """Return a value with the marker; ``None`` where it can't have one, or is not to be filled."""
    if value is None and not fill:
        return None
    if isinstance(kind, JsonText):
        document = json.loads(value or "{}")
        new = _marked_leaves(mark, document)
        if new == document:
            new = {**document, "note": mark} if isinstance(document, dict) else [*document, mark]
        return json.dumps(new)
    if kind.python_type is bytes:
        value = value or b""
        if value.startswith(GZIP):
            return gzip.compress(mark.encode() + gzip.decompress(value))
        try:
            return f"{mark} {value.decode()}".encode()
        except UnicodeDecodeError:
            return None  # numbers
    return f"{mark} {value or ''}"


def _marked_leaves(mark: str, document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _marked_leaves(mark, value) for key, value in document.items()}
    if isinstance(document, list):
        return [_marked_leaves(mark, value) for value in document]
    if isinstance(document, str) and document not in words_of_the_program():
        return f"{mark} {document}"
    return document


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
