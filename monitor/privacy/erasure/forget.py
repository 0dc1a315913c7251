"""Erasure of an end user: search, removal and a second count.

Everything that is found through the exchanges is removed before the exchanges, so that a repeated
run still finds what an interrupted one has left.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Engine

from monitor.embedding.cached_encoder import existing_cache
from monitor.embedding.vector_cache import VectorCache
from monitor.privacy.end_users.end_user import EndUser, ErasureRequest, find_end_user
from monitor.privacy.end_users.erasure_request import resolve
from monitor.privacy.erasure.end_user_feedback import find_feedback, remove_feedback
from monitor.privacy.erasure.end_user_files import Files, find_files, remove_rows
from monitor.privacy.erasure.end_user_observations import (
    find_labels,
    find_observations,
    remove_observations,
)
from monitor.privacy.erasure.erasure_record import (
    earlier_steps,
    environment_keys,
    record_erasure,
    subject_digest,
    subject_digests,
    weights_of,
)
from monitor.privacy.erasure.manual_steps import (
    ManualStep,
    audit_entries_left,
    copies_outside,
    find_manual_steps,
    messages_sent,
    vectors_left,
)
from monitor.privacy.erasure.masking import (
    MaskedRow,
    find_names_in_counts,
    find_words,
    mask_words,
    remove_names_in_counts,
)
from monitor.privacy.erasure.search_plan import SearchPlan, plan_search
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.erasure.verification import verify
from monitor.privacy.proof.check import destroy_expired
from monitor.privacy.proof.file_search import Terms
from monitor.privacy.proof.findings import RemainingText, SearchResult, stored_name
from monitor.privacy.proof.records import recall
from monitor.privacy.requests.requests import mark, search_request
from monitor.settings import Retrain, Sections
from monitor.store.alerts.outbox import replace_payload
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_rows, end_user_traces
from monitor.store.privacy.deletion import delete_exchanges, purge_deleted_rows
from monitor.store.privacy.erasures import finish_erasures
from monitor.store.privacy.human_evaluation_texts import (
    human_evaluation_texts,
    remove_human_evaluation_texts,
)
from monitor.store.privacy.proofs import replace_remains
from monitor.store.tables.facts import columns_of, table_names
from monitor.store.traffic.compaction import drop_dead_rows, lock_blocks
from monitor.store.traffic.pending_halves import delete_halves
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id, replace_assessment
from monitor.store.windows.prompt_maps import prompt_map, save_prompt_map
from monitor.store.windows.sample_scores import sample_scores, save_sample_scores
from monitor.table_types.contents import Erasure
from monitor.traffic.end_users.suppression_file import mask_reasons, suppression_file
from monitor.traffic.redaction import Redactor

T = TypeVar("T")

ACTION = "end_user.erased"
VERIFIED = "end_user.verified"
#: Exchanges removed in one transaction; their embedding blocks are rewritten in it.
EXCHANGES_PER_STEP = 50
#: Tables that are erased, whose deleted rows are purged.
TABLES = tuple(
    name
    for name in table_names()
    if any(column.erasure is not Erasure.UNCHANGED for column in columns_of(name).values())
)

#: Number of traces by kind.
Counts = dict[str, int]


@dataclass(frozen=True)
class TraceCount:
    """The traces of one kind."""

    kind: str
    n_found: int
    #: Counted again after the removal.
    n_left: int


@dataclass(frozen=True)
class ErasureReport:
    """The traces of an end user before and after the removal."""

    counts: list[TraceCount]
    #: Exchanges of other end users that mention the id, with the place; they are removed too.
    mentions: list[str]
    manual_steps: list[ManualStep]
    #: Files with rows that this command can't remove.
    not_rewritten: tuple[Path, ...] = ()
    #: What the verification has found and searched; empty after a dry run.
    result: SearchResult = field(default_factory=SearchResult)

    @property
    def findings(self) -> list[RemainingText]:
        """Return where the verification has found something."""
        return list(self.result.findings)

    @property
    def exit_status(self) -> int:
        """Return 1 where something is left, 4 where only something was not read, else 0."""
        return 1 if self.n_left else self.result.exit_status

    @property
    def n_left(self) -> int:
        """Return the number of traces left; 0 after a complete erasure."""
        return sum(count.n_left for count in self.counts)


def forget(
    engine: Engine,
    settings: Sections,
    request: ErasureRequest,
    now: datetime,
    *,
    by: str = SYSTEM,
    dry_run: bool = False,
    files: Iterable[Path] = (),
) -> ErasureReport:
    """Erase an end user from the database and from the files of retraining.

    The request has the id of the end user, or ids of exchanges. The settings have the redaction
    patterns and name the files of retraining; further ones are searched too, and rewritten where
    they are of JSON lines. The audit log gets an entry ``by`` an account.
    """
    request = resolve(engine, settings, request)
    redactor = Redactor(settings.redaction.patterns)
    retrain = [of_model.retrain for of_model in settings.by_model]
    end_user = find_end_user(engine, request)
    plan = plan_search(engine, end_user, retrain, files, now)
    terms, traces = plan.terms, plan.terms.traces
    on_disk = find_files(engine, end_user, terms, retrain, plan.declared)
    cache = existing_cache(settings.embedding)
    words = _words(engine, end_user, traces)
    count = partial(_count, engine, end_user, redactor=redactor, cache=cache, traces=traces)
    n_found = count(files=on_disk, words=words)
    steps = weights_of(engine, on_disk)
    steps += find_manual_steps(engine, end_user, on_disk, redactor)
    steps += copies_outside(engine, end_user)
    steps += messages_sent(engine, words)
    steps += [*audit_entries_left(engine, traces), *vectors_left(settings.embedding)]
    if dry_run:
        steps = _merge(earlier_steps(engine, request), steps, traces)
        return ErasureReport(
            [TraceCount(kind, n, n) for kind, n in n_found.items()], end_user.mentions(), steps
        )
    destroy_expired(engine, now)
    # Nothing is removed before what has to be said is stored, and what was searched for: a later
    # command says it again, and searches for it again.
    record_erasure(
        engine,
        request,
        traces,
        steps=steps,
        counts=n_found,
        files=on_disk,
        passages=plan.passages,
        period=settings.privacy.proof_period,
        now=now,
    )
    steps = _merge(earlier_steps(engine, request), steps, traces)
    digests = subject_digests(request)
    # Masked, a sentence names nobody any more and would not be found.
    search_request(
        engine,
        end_user,
        traces,
        kind="erasure",
        digests=digests,
        period=settings.privacy.request_period,
        by=by,
        now=now,
    )
    # Before the rows, as the file would give them back.
    mask_reasons(suppression_file(settings, engine), traces.mask)
    failed = remove_rows(engine, terms, on_disk, now)
    steps += [
        ManualStep("file", f"{path}: not rewritten; {reason}") for path, reason in failed.items()
    ]
    if cache is not None:
        cache.remove(end_user.texts)
    _remove_derived(engine, end_user, redactor)
    remove_feedback(engine, end_user)  # found by the exchanges and the observations
    remove_observations(engine, end_user)
    remove_names_in_counts(engine, traces)
    mask_words(engine, traces, words)
    _remove_exchanges(engine, end_user)
    with transaction(engine) as connection:
        finish_erasures(connection, digests, now)
        _write_audit(connection, request, n_found, on_disk, by=by, now=now)
    unpurged = purge_deleted_rows(engine, TABLES)
    steps += [ManualStep("database_files", unpurged)] if unpurged else []
    # Search anew for exchanges, and count the traces that were found before.
    remaining = find_end_user(engine, request)
    files_after = find_files(engine, end_user, terms, retrain, plan.declared)
    words = _words(engine, end_user, traces)
    n_left = count(files=files_after, words=words)
    n_left["exchanges"] += len(set(remaining.ids) - set(end_user.ids))
    counts = [TraceCount(kind, n, n_left[kind]) for kind, n in n_found.items()]
    result = _search_again(engine, request, plan, retrain, now)
    report = ErasureReport(
        counts,
        end_user.mentions(),
        steps,
        tuple(sorted({*failed, *files_after.held})),
        result,
    )
    done_at = None if report.exit_status == 1 else now
    mark(engine, digests, "erasure", answered_at=done_at, verified_at=done_at)
    return report


def _search_again(
    engine: Engine,
    request: ErasureRequest,
    plan: SearchPlan,
    retrain: Sequence[Retrain],
    now: datetime,
) -> SearchResult:
    """Verify an erasure, and store the files that it could not remove, or of a command not read."""
    digests = subject_digests(request)
    remembered = recall(engine, environment_keys(request), now, digests)
    terms = Terms(remembered.search, plan.terms.traces)
    result = verify(engine, terms, retrain, remembered, plan.declared)
    remains = {
        left.place: left.advice or left.where for left in result.findings if left.kind == "file"
    }
    named = {str(path) for path in plan.declared.named if path.exists()}
    remains |= {part.place: part.reason for part in result.unread if part.place in named}
    with transaction(engine) as connection:
        replace_remains(
            connection,
            digests,
            [
                {"place": terms.mask(place), "reason": terms.mask(reason)}
                for place, reason in remains.items()
            ],
        )
    return result


def verify_end_user(
    engine: Engine,
    settings: Sections,
    request: ErasureRequest,
    files: Iterable[Path] = (),
    now: datetime | None = None,
    *,
    by: str = SYSTEM,
) -> SearchResult:
    """Return where something of an end user is left, by a search of everything.

    Quotes are searched for as long as their exchanges exist; afterwards the fingerprints of long
    passages remember them, for as long as the settings say. The audit log gets an entry with the
    result, and the open request of the end user, if there is one, when nothing was found.
    """
    request = resolve(engine, settings, request)
    end_user = find_end_user(engine, request)
    retrain = [of_model.retrain for of_model in settings.by_model]
    now = now or datetime.now(UTC)
    plan = plan_search(engine, end_user, retrain, files, now)
    result = verify(engine, plan.terms, retrain, plan.remembered, plan.declared)
    details = {
        **result.figures,
        "findings": len(result.findings),
        "unread": len(result.unread),
        "exit_status": result.exit_status,
    }
    verified_at = None if result.exit_status == 1 else now
    mark(engine, subject_digests(request), "erasure", verified_at=verified_at)
    with transaction(engine) as connection:
        append_entry(connection, now, by, VERIFIED, f"end_user:{subject_digest(request)}", details)
    return result


def _merge(
    earlier: Iterable[ManualStep], steps: Iterable[ManualStep], traces: Traces
) -> list[ManualStep]:
    """Return all steps, each once: those of earlier erasures are stored without the id."""
    merged = {(step.code, step.text): step for step in earlier}
    merged |= {(step.code, stored_name(traces.mask(step.text))): step for step in steps}
    return list(merged.values())


def _words(engine: Engine, end_user: EndUser, traces: Traces) -> list[MaskedRow]:
    """Return the rows of others in whose words the end user is named or quoted."""
    with transaction(engine) as connection:
        own: dict[str, Collection[int]] = dict(
            end_user_rows.rows_of_items(connection, end_user.items)
        )
    own["rollout_observations"] = set(find_observations(engine, end_user))
    return list(find_words(engine, traces, own))


def _count(
    engine: Engine,
    end_user: EndUser,
    *,
    files: Files,
    redactor: Redactor,
    cache: VectorCache | None,
    traces: Traces,
    words: Sequence[MaskedRow],
) -> Counts:
    quotes = end_user.quotes(redactor)
    counts: Counts = {}
    with transaction(engine) as connection:
        traffic, of_baselines = end_user_rows.count_exchanges(connection, end_user.ids)
        counts["exchanges"] = traffic
        counts["exchanges of baselines"] = of_baselines
        counts["vectors"] = traffic + of_baselines
        counts["vectors"] += end_user_rows.count_dead_vectors(connection, end_user.blocks)
        counts |= {
            name.replace("_", " "): len(ids)
            for name, ids in end_user_rows.rows_of_items(connection, end_user.items).items()
        }
        counts["scores in evaluations"] = counts["points on prompt maps"] = 0
        counts["quotes in evaluations"] = 0
        counts["quotes in messages"] = 0
    for evaluation_id in end_user.evaluations:
        with transaction(engine) as connection:
            scores = sample_scores(connection, evaluation_id)
            counts["scores in evaluations"] += int(np.isin(scores.ids, end_user.ids).sum())
            stored_map = prompt_map(connection, evaluation_id)
            if stored_map is not None:
                counts["points on prompt maps"] += stored_map.count(end_user.ids)
            assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
            if assessment is not None:
                counts["quotes in evaluations"] += quotes.remove_from(assessment)[1]
            for _, payload in end_user_traces.messages_of_evaluation(connection, evaluation_id):
                counts["quotes in messages"] += quotes.remove_from_payload(payload)[1]
    counts["dead letters"] = sum(1 for _ in _dead_letters(engine, end_user))
    counts["pending requests and responses"] = sum(1 for _ in _pending_halves(engine, end_user))
    counts["human evaluation items"] = sum(1 for _ in _human_evaluation_items(engine, end_user))
    counts["words of others"] = sum(len(row.columns) for row in words)
    counts["observations of rollouts"] = len(find_observations(engine, end_user))
    counts["values of feedback"] = len(find_feedback(engine, end_user))
    counts["labels of rollouts"] = len(find_labels(engine, end_user.request))
    counts["labels of models"] = len(find_names_in_counts(engine, traces))
    counts["rows in files"] = files.n_rows
    counts["words in files"] = files.n_named
    if cache is not None:
        counts["cached vectors"] = cache.count(end_user.texts)
    return counts


def _remove_derived(engine: Engine, end_user: EndUser, redactor: Redactor) -> None:
    quotes = end_user.quotes(redactor)
    for evaluation_id in end_user.evaluations:
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
            is_other = ~np.isin(scores.ids, end_user.ids)
            save_sample_scores(connection, evaluation_id, scores.select(is_other))
            stored_map = prompt_map(connection, evaluation_id)
            if stored_map is not None:
                save_prompt_map(connection, evaluation_id, stored_map.exclude(end_user.ids))
    for item_id in list(_human_evaluation_items(engine, end_user)):
        with transaction(engine) as connection:
            remove_human_evaluation_texts(connection, item_id)
    dead_letters = list(_dead_letters(engine, end_user))
    halves = list(_pending_halves(engine, end_user))
    with transaction(engine) as connection:
        for first in range(0, len(halves), EXCHANGES_PER_STEP):
            delete_halves(connection, halves[first : first + EXCHANGES_PER_STEP])
        end_user_rows.delete_dead_letters(connection, dead_letters)


def _remove_exchanges(engine: Engine, end_user: EndUser) -> None:
    for first in range(0, len(end_user.rows), EXCHANGES_PER_STEP):
        ids = [row.id for row in end_user.rows[first : first + EXCHANGES_PER_STEP]]
        with transaction(engine) as connection:
            lock_blocks(connection)
            rows = end_user_rows.exchanges_by_id(connection, ids)  # compaction may have moved them
            delete_exchanges(connection, ids)
            for block_id in sorted({row.block_id for row in rows}):
                drop_dead_rows(connection, block_id)
            for baseline_id in sorted({row.baseline_id for row in rows if row.baseline_id}):
                end_user_rows.update_baseline_size(connection, baseline_id)


def _dead_letters(engine: Engine, end_user: EndUser) -> Iterator[int]:
    """Yield the dead letters that mention the id, or hold a record of the end user."""
    matchers, records = end_user.request.matchers, end_user.records
    scanned = _rows(engine, end_user_rows.scan_dead_letters, lambda row: row[0])
    for dead_letter_id, record, key, value, detail in scanned:
        if record in records or any(
            matcher.in_bytes(key) or matcher.in_bytes(value) or matcher.in_text(detail)
            for matcher in matchers
        ):
            yield dead_letter_id


def _pending_halves(engine: Engine, end_user: EndUser) -> Iterator[int]:
    """Yield the pending requests and responses that are the end user's, or mention the id.

    The other half of an exchange need not name the end user; it is found by the join id.
    """
    join_ids: set[str] = set()
    halves = partial(_rows, engine, end_user_rows.scan_pending_halves, lambda row: row[0])
    for _, stored_id, join_id, payload in halves():
        if stored_id in end_user.request.stored_ids or end_user.owns({**payload, "id": join_id}):
            join_ids.add(join_id)
    if join_ids:
        for half_id, _, join_id, _ in halves():
            if join_id in join_ids:
                yield half_id


def _rows(
    engine: Engine,
    scan: Callable[[Connection, int], Sequence[T]],
    id_of: Callable[[T], int],
) -> Iterator[T]:
    """Yield the rows of a scan, each page of it read in a transaction of its own."""
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = scan(connection, after_id)
        if not page:
            return
        after_id = id_of(page[-1])
        yield from page


def _human_evaluation_items(engine: Engine, end_user: EndUser) -> Iterator[int]:
    """Yield the human evaluation items that came from the end user, or mention the id."""
    for item in _rows(engine, human_evaluation_texts, lambda item: item.id):
        if end_user.owns_by_prompt(item.as_row()):
            yield item.id


def _write_audit(
    connection: Connection,
    request: ErasureRequest,
    n_found: Counts,
    files: Files,
    *,
    by: str,
    now: datetime,
) -> None:
    """Write the audit entry under a digest of the id, from which the id can't be derived."""
    details = {
        "found": {kind: n for kind, n in n_found.items() if n},
        "versions": [f"{version.model} {version.version}" for version in files.versions],
    }
    append_entry(connection, now, by, ACTION, f"end_user:{subject_digest(request)}", details)
