"""Verdict on a finished probe run: against the reference of its version, and of other versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import Connection

from monitor.store.probes.requests import probes_of
from monitor.store.probes.runs import (
    ProbeRunRow,
    drop_reference,
    recent_runs,
    reference_runs,
    update_run,
)
from retrain.probes.comparison import SPREAD_RUNS, ProbeComparison, Reference
from retrain.probes.serving import Serving

Verdict = Literal["reference", "same", "suspected", "changed", "not_arrived", "arrived"]

#: Runs of a reference: the first of a version that don't differ from each other.
N_REFERENCE = 8
#: A reference whose runs differ by more among themselves loses the oldest: it began too early.
MAX_THRESHOLD = 0.5
#: Runs from which the noise between them is known well enough for that.
MIN_SPREAD_RUNS = 6
#: Other versions that a changed run is compared with.
N_OTHERS = 4
#: Differing items that are stored with a run.
N_DIFFERENCES = 10


@dataclass(frozen=True)
class ProbeJudgement:
    """The verdict on a run."""

    #: ``reference``: there was none yet. ``same``: no suspicious change. ``suspected``: a second
    #: run must confirm it. ``changed``: it has. ``not_arrived``: the responses are those of another
    #: version. ``arrived``: a recorded change that took its time.
    verdict: Verdict
    #: The comparison with the reference, if there was one.
    comparison: ProbeComparison | None = None
    #: Number of the version whose responses these are, if it is another one.
    resembles: int | None = None
    #: Whether the run becomes a part of the reference.
    joins: bool = False


@dataclass(frozen=True)
class _References:
    own: Reference
    own_runs: tuple[ProbeRunRow, ...]
    #: By number of the version, the newest first.
    other_versions: Mapping[int, Reference]


def judge_run(
    connection: Connection, run: ProbeRunRow, serving: Serving, now: datetime
) -> ProbeJudgement:
    """Judge the responses of a run."""
    references = _read_references(connection, run)
    responses = responses_of(connection, run.id)
    if not references.own_runs:
        resembles = _resembled(references, responses)
        if resembles is not None:
            return ProbeJudgement("not_arrived", resembles=resembles)
        return ProbeJudgement("reference", joins=True)
    comparison = references.own.compare(responses, n_differences=N_DIFFERENCES)
    if comparison is None or not comparison.is_suspicious:
        joins = comparison is not None and len(references.own_runs) < N_REFERENCE
        return ProbeJudgement("same", comparison, joins=joins)
    resembles = _resembled(references, responses)
    since = serving.since
    if since is not None and now - since < serving.grace:
        if resembles is not None:
            return ProbeJudgement("not_arrived", comparison, resembles)
        began_here = all(reference.started_at >= since for reference in references.own_runs)
        if began_here and not _has_arrived(connection, run, since):
            return ProbeJudgement("arrived", comparison, joins=True)
    before = _runs_before(connection, run)
    confirmed = bool(before) and before[0].verdict in {"suspected", "changed"}
    return ProbeJudgement("changed" if confirmed else "suspected", comparison, resembles)


def record_judgement(connection: Connection, run: ProbeRunRow, judgement: ProbeJudgement) -> None:
    """Store a verdict, and change the reference as it says."""
    comparison = judgement.comparison
    if judgement.verdict == "arrived":
        drop_reference(connection, run.model, run.version_id)
    update_run(
        connection,
        run.id,
        verdict=judgement.verdict,
        is_reference=judgement.joins,
        change=None if comparison is None else comparison.change,
        threshold=None if comparison is None else comparison.threshold,
        comparison=_as_json(judgement),
    )
    _drop_early_run(connection, run)


def responses_of(connection: Connection, run_id: int) -> dict[str, list[str]]:
    """Return the responses of a run by item, without those of another version."""
    responses: dict[str, list[str]] = {}
    for probe in probes_of(connection, run_id):
        if probe.status in {"done", "rejected"} and probe.response is not None:
            responses.setdefault(probe.item, []).append(probe.response)
    return responses


def _read_references(connection: Connection, run: ProbeRunRow) -> _References:
    rows = sorted(
        reference_runs(connection, run.model, run.set_id),
        key=lambda row: (row.version or 0, row.id),
    )
    by_version = {
        version: tuple(group) for version, group in groupby(rows, key=lambda row: row.version)
    }
    own = by_version.pop(run.version, ())
    by_version.pop(None, None)  # a model whose serving version was registered later
    enough = [v for v, group in by_version.items() if v is not None and len(group) >= SPREAD_RUNS]
    other_versions = {
        version: _reference_of(connection, by_version[version])
        for version in sorted(enough, reverse=True)[:N_OTHERS]
    }
    return _References(_reference_of(connection, own), own, other_versions)


def _reference_of(connection: Connection, runs: Sequence[ProbeRunRow]) -> Reference:
    return Reference([responses_of(connection, run.id) for run in runs])


def _resembled(references: _References, responses: Mapping[str, Sequence[str]]) -> int | None:
    """Return the other version whose reference does not differ."""
    for version, reference in references.other_versions.items():
        comparison = reference.compare(responses)
        if comparison is not None and not comparison.is_suspicious:
            return version
    return None


def _runs_before(connection: Connection, run: ProbeRunRow, limit: int = 1) -> list[ProbeRunRow]:
    runs = recent_runs(connection, run.model, role=run.role, statuses=("done",), limit=limit + 1)
    same = [row for row in runs if row.id < run.id]
    return [row for row in same if (row.version_id, row.set_id) == (run.version_id, run.set_id)]


def _has_arrived(connection: Connection, run: ProbeRunRow, since: datetime) -> bool:
    """Return whether a run since then was taken as the arrival of the recorded change."""
    runs = _runs_before(connection, run, limit=4 * N_REFERENCE)
    return any(row.verdict == "arrived" and row.started_at >= since for row in runs)


def _drop_early_run(connection: Connection, run: ProbeRunRow) -> None:
    """Drop the oldest run of a reference whose runs differ too much to show any change."""
    references = _read_references(connection, run)
    wide = (
        len(references.own_runs) >= MIN_SPREAD_RUNS
        and references.own.load_threshold > MAX_THRESHOLD
    )
    if wide:
        update_run(connection, references.own_runs[0].id, is_reference=False)


def _as_json(judgement: ProbeJudgement) -> dict[str, Any]:
    comparison = judgement.comparison
    if comparison is None:
        return {"resembles": judgement.resembles}
    return {
        "resembles": judgement.resembles,
        "distance": comparison.distance,
        "reference_noise": comparison.reference_noise,
        "own_noise": comparison.own_noise,
        "n_items": comparison.n_items,
        "differences": [
            {"item": d.item, "excess": d.excess, "reference": d.reference, "response": d.response}
            for d in comparison.differences
        ],
    }
