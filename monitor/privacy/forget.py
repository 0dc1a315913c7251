"""Removal of a person: found, removed, and counted again.

Whatever is found through the exchanges goes before them, so that a run that was interrupted finds
all that is left when it is repeated.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, Engine

from monitor.privacy.end_user import EndUser, ErasureRequest, find_end_user
from monitor.privacy.end_user_files import Files, find_files, remove_rows
from monitor.privacy.manual_steps import find_manual_steps
from monitor.settings import Settings
from monitor.store.alerts.outbox import replace_payload
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_rows, end_user_traces
from monitor.store.privacy.deletion import delete_exchanges
from monitor.store.privacy.human_evaluation_texts import (
    human_evaluation_texts,
    remove_human_evaluation_texts,
)
from monitor.store.privacy.vacuum import purge_deleted_rows
from monitor.store.traffic.compaction import drop_dead_rows, lock_blocks
from monitor.store.traffic.pending_halves import delete_halves
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id, replace_assessment
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.sample_scores import sample_scores, save_sample_scores
from monitor.traffic.redaction import Redactor

ACTION = "person.forgotten"
#: Exchanges removed in one transaction, with the blocks of their vectors rewritten.
EXCHANGES_PER_STEP = 50
#: Tables that deleted rows leave space in.
TABLES = (
    "exchanges",
    "embedding_blocks",
    "dead_letters",
    "pending_halves",
    "drift_evaluations",
    "reports",
    "outbox",
    "review_items",
    "review_draws",
    "review_assignments",
    "reviews",
    "review_proposals",
    "review_messages",
    "review_audits",
    "gold_examples",
    "human_evaluation_items",
    "human_evaluation_responses",
    "human_evaluation_assignments",
    "training_runs",
)
REMOVED_ERROR = "(removed: it quoted what a person wrote)"
#: What an error quotes of a prompt.
QUOTED_CHARACTERS = 80

#: What is counted -> how many.
Counts = dict[str, int]


@dataclass(frozen=True)
class TraceCount:
    """One kind of trace."""

    what: str
    found: int
    #: Counted again afterwards.
    left: int


@dataclass(frozen=True)
class ErasureReport:
    """What was found of a person, and what of it is left."""

    lines: list[TraceCount]
    #: Exchanges among those found that are others', and mention the id.
    n_mentions: int
    #: What no command here can undo, in words.
    remains: list[str]

    @property
    def n_left(self) -> int:
        """Return how many traces are left; 0 is the proof."""
        return sum(line.left for line in self.lines)


def forget(
    engine: Engine,
    settings: Settings,
    request: ErasureRequest,
    now: datetime,
    *,
    dry_run: bool = False,
    files: Iterable[Path] = (),
) -> ErasureReport:
    """Remove a person from the database and from the files of retraining.

    Args:
        engine: The database.
        settings: The patterns of redaction, and where retraining reads and writes.
        request: The id of the end user, or ids of exchanges.
        now: The time that is noted.
        dry_run: Only count.
        files: More files of JSON lines to look through.
    """
    own = Redactor(settings.redaction.patterns)
    more = list(files)
    person = find_end_user(engine, request)
    on_disk = find_files(engine, person, settings.retrain, more)
    found = _count(engine, person, on_disk, own)
    remains = list(find_manual_steps(engine, person, on_disk, own))
    if dry_run:
        return ErasureReport(
            [TraceCount(what, n, n) for what, n in found.items()], person.n_mentions, remains
        )
    failed = remove_rows(engine, person, on_disk, now)
    remains += [f"{path}: {reason}" for path, reason in failed.items()]
    _remove_derived(engine, person, own)
    _remove_exchanges(engine, person)
    with transaction(engine) as connection:
        _write_audit(connection, request, found, on_disk, now)
    undone = purge_deleted_rows(engine, TABLES)
    remains += [undone] if undone else []
    # Looked for anew, and what was found at first counted again.
    again = find_end_user(engine, request)
    left = _count(engine, person, find_files(engine, person, settings.retrain, more), own)
    left["exchanges"] += len(set(again.ids) - set(person.ids))
    lines = [TraceCount(what, n, left[what]) for what, n in found.items()]
    return ErasureReport(lines, person.n_mentions, remains)


def _count(engine: Engine, person: EndUser, files: Files, own: Redactor) -> Counts:
    quotes = person.quotes(own)
    counts: Counts = {}
    with transaction(engine) as connection:
        traffic, of_baselines = end_user_rows.count_exchanges(connection, person.ids)
        counts["exchanges"] = traffic
        counts["exchanges of baselines"] = of_baselines
        counts["vectors"] = traffic + of_baselines
        counts["vectors"] += end_user_rows.count_dead_vectors(connection, person.blocks)
        counts |= {
            name.replace("_", " "): n
            for name, n in end_user_rows.count_of_items(connection, person.items).items()
        }
        counts["scores in evaluations"] = counts["points on maps"] = 0
        counts["quotes in evaluations"] = 0
        counts["quotes in messages"] = 0
    for evaluation_id in person.evaluations:
        with transaction(engine) as connection:
            scores = sample_scores(connection, evaluation_id)
            counts["scores in evaluations"] += int(np.isin(scores.ids, person.ids).sum())
            drawn = prompt_map(connection, evaluation_id)
            counts["points on maps"] += 0 if drawn is None else drawn.count(person.ids)
            assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
            if assessment is not None:
                counts["quotes in evaluations"] += quotes.remove_from(assessment)[1]
            for _, payload in end_user_traces.messages_of_evaluation(connection, evaluation_id):
                counts["quotes in messages"] += quotes.remove_from_payload(payload)[1]
    counts["dead letters"] = sum(1 for _ in _letters(engine, person))
    counts["waiting requests and responses"] = sum(1 for _ in _halves(engine, person))
    counts["items of studies"] = sum(1 for _ in _human_evaluation_items(engine, person))
    with transaction(engine) as connection:
        counts["quotes in errors"] = len(_errors(connection, person))
    counts["rows in files"] = files.n_rows
    return counts


def _remove_derived(engine: Engine, person: EndUser, own: Redactor) -> None:
    quotes = person.quotes(own)
    for evaluation_id in person.evaluations:
        with transaction(engine) as connection:
            evaluation = drift_evaluation_by_id(connection, evaluation_id)
            if evaluation.assessment is not None:
                assessment, n = quotes.remove_from(evaluation.assessment)
                if n:
                    replace_assessment(connection, evaluation_id, assessment)
            for message_id, payload in end_user_traces.messages_of_evaluation(
                connection, evaluation_id
            ):
                cleaned, n = quotes.remove_from_payload(payload)
                if n:
                    replace_payload(connection, message_id, cleaned)
            scores = sample_scores(connection, evaluation_id)
            kept = ~np.isin(scores.ids, person.ids)
            save_sample_scores(connection, evaluation_id, scores.only(kept))
            drawn = prompt_map(connection, evaluation_id)
            if drawn is not None:
                save_prompt_map(connection, evaluation_id, drawn.without(person.ids))
    for item_id in list(_human_evaluation_items(engine, person)):
        with transaction(engine) as connection:
            remove_human_evaluation_texts(connection, item_id)
    letters = list(_letters(engine, person))
    halves = list(_halves(engine, person))
    with transaction(engine) as connection:
        for first in range(0, len(halves), EXCHANGES_PER_STEP):
            delete_halves(connection, halves[first : first + EXCHANGES_PER_STEP])
        end_user_rows.delete_letters(connection, letters)
        for table, row_id in _errors(connection, person):
            end_user_traces.set_error(connection, table, row_id, REMOVED_ERROR)


def _remove_exchanges(engine: Engine, person: EndUser) -> None:
    for first in range(0, len(person.rows), EXCHANGES_PER_STEP):
        ids = [row.id for row in person.rows[first : first + EXCHANGES_PER_STEP]]
        with transaction(engine) as connection:
            lock_blocks(connection)
            rows = end_user_rows.rows_by_id(connection, ids)  # their blocks may be others by now
            delete_exchanges(connection, ids)
            for block_id in sorted({row.block_id for row in rows}):
                drop_dead_rows(connection, block_id)
            for baseline_id in sorted({row.baseline_id for row in rows if row.baseline_id}):
                end_user_rows.shrink_baseline(connection, baseline_id)


def _letters(engine: Engine, person: EndUser) -> Iterator[int]:
    """Yield the dead letters that mention the person, or hold a record of theirs."""
    mentions = person.request.mentions
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = end_user_rows.letters(connection, after_id)
        if not page:
            return
        for letter_id, record, key, value, detail in page:
            after_id = letter_id
            if record in person.records or any(
                one.in_bytes(key) or one.in_bytes(value) or one.in_text(detail) for one in mentions
            ):
                yield letter_id


def _halves(engine: Engine, person: EndUser) -> Iterator[int]:
    """Yield the waiting requests and responses that are the person's, or mention the id."""
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = end_user_rows.halves(connection, after_id)
        if not page:
            return
        for half_id, user, join_id, payload in page:
            after_id = half_id
            if user in person.request.users or person.owns({**payload, "id": join_id}):
                yield half_id


def _human_evaluation_items(engine: Engine, person: EndUser) -> Iterator[int]:
    """Yield the items of studies that came from the person, or mention the id."""
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = human_evaluation_texts(connection, after_id)
        if not page:
            return
        for item in page:
            after_id = item.id
            if person.asked(item.as_row()):
                yield item.id


def _errors(connection: Connection, person: EndUser) -> list[tuple[str, int]]:
    """Return the errors, by table and id, that quote one of the prompts or the id."""
    beginnings = {
        form
        for row in person.rows
        if len(row.prompt) >= 8  # shorter ones stand in any text
        for form in (row.prompt[:QUOTED_CHARACTERS], repr(row.prompt[:QUOTED_CHARACTERS]))
    }
    return [
        (table, row_id)
        for table, row_id, error in end_user_traces.errors(connection)
        if any(one in error for one in beginnings)
        or any(mention.in_text(error) for mention in person.request.mentions)
    ]


def _write_audit(
    connection: Connection, request: ErasureRequest, found: Counts, files: Files, now: datetime
) -> None:
    """Write what was done, under a digest that the id leads to, and that doesn't lead to the id."""
    name = "\n".join([request.subject, *sorted(request.exchange_ids)])
    digest = hashlib.sha256(f"driftwarden.forget\n{name}".encode()).hexdigest()[:16]
    details = {
        "found": {what: n for what, n in found.items() if n},
        "versions": [f"{one.model} {one.version}" for one in files.versions],
    }
    append_entry(connection, now, "driftwarden", ACTION, f"person:{digest}", details)
