"""The record of an erasure: what it has to say, written before anything is removed.

Whatever happens to the command, the next one says it again.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine

from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.erasure.end_user_files import UNTRAINED, Files, RunFiles
from monitor.privacy.erasure.manual_steps import CODES, ManualStep
from monitor.privacy.erasure.passages import Words
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.proof.findings import stored_name
from monitor.privacy.proof.records import ids_of, remember
from monitor.store.engine import transaction
from monitor.store.privacy.erasures import erasures_of, insert_erasure
from monitor.store.privacy.proofs import erasure_proofs
from monitor.store.training.registry import (
    VersionRow,
    add_lineage_taints,
    version_by_id,
)
from monitor.store.training.runs import RunRow, run_by_id
from monitor.store.training.taints import Cause, TaintRow, add_taint, taints_of_erasures
from monitor.traffic.end_users.keys import Key
from monitor.traffic.parsing.cleaning import clean_name
from retrain.registry.taints import lineage_note
from retrain.run_folder import RunFolder
from retrain.training.resumption import last_step

#: Steps that aren't stored: the taints say those of weights, as the stages of versions and runs
#: change, and each search says what is left in files.
_NOT_STORED = frozenset({"model_version", "weights", "training_run", "file"})


def subject_digest(request: ErasureRequest) -> str:
    """Return the digest of the request that a new record has."""
    return subject_digests(request)[0]


def subject_digests(request: ErasureRequest) -> list[str]:
    """Return the digests by which a command finds what earlier ones said, the newest first.

    They are keyed, so that nobody can try ids against a copy of the database; one for each key,
    and for the pseudonyms under each. The last is unkeyed: there may be no key yet. They are of
    the id, if there is one, whatever exchanges the request names besides; those of further ids
    come after those of the first.
    """
    if request.further:
        return [digest for digests in _digests_by_id(request) for digest in digests]
    name = clean_name(request.subject)
    exchanges = [] if name else sorted(request.exchange_ids)
    ids = request.ids
    digests: list[str] = []
    normalized = name.casefold()
    if ids is not None:
        normalized = ids.normalized(name)
        known = [key.pseudonym(normalized) for key in ids.ring.keys]
        pseudonyms = [name] if not name or ids.is_pseudonym(name) else known
        digests = [
            key.erasure_digest("\n".join([pseudonym, *exchanges]))
            for key in ids.ring.keys
            for pseudonym in pseudonyms
        ]
    unkeyed = "\n".join(["driftwarden.forget", normalized, *exchanges])
    return [*digests, hashlib.sha256(unkeyed.encode()).hexdigest()[:16]]


def _digests_by_id(request: ErasureRequest) -> list[list[str]]:
    """Return the digests of each id; of a request that names exchanges only, those of it."""
    of_ids = (replace(request, subject=id_, further=()) for id_ in request.subjects or ("",))
    return [subject_digests(of_id) for of_id in of_ids]


def environment_keys(request: ErasureRequest) -> tuple[Key, ...]:
    """Return the keys of ids that are not in the database, the newest first."""
    if request.ids is None:
        return ()
    ring = request.ids.ring
    return ring.keys[1:] if ring.is_generated else ring.keys


def record_erasure(
    engine: Engine,
    request: ErasureRequest,
    traces: Traces,
    *,
    steps: Sequence[ManualStep],
    counts: Mapping[str, int],
    files: Files,
    passages: Collection[Words],
    period: timedelta,
    now: datetime,
) -> None:
    """Store what an erasure has to say and fingerprints of what it searches for, and taint weights.

    A command that found nothing new, as after a complete one, adds nothing. The fingerprints are
    kept for ``period``.
    """
    keys = environment_keys(request)
    by_id = _digests_by_id(request)
    digests = subject_digests(request)
    counted = {kind: n for kind, n in counts.items() if n}
    texts = [
        {"code": step.code, "text": stored_name(traces.mask(step.text))}
        for step in steps
        if step.code not in _NOT_STORED
    ]
    with transaction(engine) as connection:
        known = {
            (step["code"], step["text"])
            for erasure in erasures_of(connection, digests)
            for step in erasure.steps
        }
        trained = [run for run in files.trained if run.status not in UNTRAINED]
        is_new = any((step["code"], step["text"]) not in known for step in texts)
        is_remembered = all(
            any(row.proof_until > now for row in erasure_proofs(connection, of_id))
            for of_id in by_id
        )
        matches = counted or trained or files.versions or is_new
        if not matches and is_remembered:
            return
        erasure_id = insert_erasure(
            connection,
            [of_id[0] for of_id in by_id],
            texts,
            counted,
            now,
            proof_until=now + period,
        )
        remember(connection, erasure_id, ids_of(traces), passages, keys=keys, now=now)
        _taint(connection, erasure_id, trained, files.versions, now)


def earlier_steps(engine: Engine, request: ErasureRequest) -> list[ManualStep]:
    """Return what earlier erasures of the end user had to say, each once."""
    with transaction(engine) as connection:
        erasures = erasures_of(connection, subject_digests(request))
        taints = taints_of_erasures(connection, [erasure.id for erasure in erasures])
        steps = list(_steps_of_taints(connection, taints))
    steps += [
        ManualStep(code, step["text"])
        for erasure in erasures
        for step in erasure.steps
        for code in CODES
        if code == step["code"]
    ]
    return list(dict.fromkeys(steps))


def weights_of(engine: Engine, files: Files) -> list[ManualStep]:
    """Return the steps of what learned from the end user, before it is recorded."""
    runs = [run for run in files.trained if run.status not in UNTRAINED]
    with transaction(engine) as connection:
        steps = [_step_of_version(version) for version in files.versions]
        steps += _steps_of_runs(run_by_id(connection, run.id) for run in runs)
    return steps


def _taint(
    connection: Connection,
    erasure_id: int,
    runs: Sequence[RunFiles],
    tainted: Sequence[VersionRow],
    now: datetime,
) -> None:
    ids = {run.id for run in runs}
    for run in runs:
        model = run_by_id(connection, run.id).model
        add_taint(connection, erasure_id, model, "trained_on", now, run_id=run.id)
    for version in tainted:
        direct = version.training_run_id in ids
        cause: Cause = "trained_on" if direct else "continued"
        add_taint(connection, erasure_id, version.model, cause, now, version_id=version.id)
        taint = TaintRow(erasure_id, version.model, None, version.id, cause, now)
        add_lineage_taints(connection, version.id, [lineage_note(taint)])


def _steps_of_taints(connection: Connection, taints: Iterable[TaintRow]) -> Iterator[ManualStep]:
    known = list(taints)
    for version_id in dict.fromkeys(taint.version_id for taint in known):
        if version_id is not None:
            yield _step_of_version(version_by_id(connection, version_id))
    runs = dict.fromkeys(taint.run_id for taint in known)
    yield from _steps_of_runs(
        run_by_id(connection, run_id) for run_id in runs if run_id is not None
    )


def _step_of_version(version: VersionRow) -> ManualStep:
    return ManualStep(
        "model_version",
        f"model {version.model} version {version.version} ({version.stage}) was trained on this "
        "end user's exchanges, or on top of a version that was; train a new version without them "
        "and retire this one: its weights can't forget",
    )


def _steps_of_runs(runs: Iterable[RunRow]) -> Iterator[ManualStep]:
    """Yield the weights that runs have left besides a version."""
    for run in runs:
        folder = RunFolder(Path(run.work_dir))
        step = last_step(folder)
        places = [f"{folder.checkpoints} (to step {step})"] if step else []
        places += [str(folder.adapter)] if folder.adapter.is_dir() else []
        if run.status == "succeeded" and not step:
            continue  # its adapter is that of the version
        remains = f": {' and '.join(places)}" if places else "; its folder has no weights"
        advice = (
            f"; cancel it (`driftwarden retrain cancel {run.id}`)"
            if run.status == "running"
            else "; delete them, and plan another run instead of resuming this one"
        )
        yield ManualStep(
            "weights",
            f"training run {run.id} ({run.status}) learned from this end user, and its weights "
            f"can't forget{remains}{advice}",
        )
