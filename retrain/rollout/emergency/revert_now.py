"""Revert at once: by the rows where the database responds in time, else at the gateway alone."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from monitor.errors import DriftwardenError, StaleWeightsError, loggable
from monitor.store.engine import transaction
from retrain.rollout.apply import READ_BACK_SECONDS, apply_weights
from retrain.rollout.emergency.journal import JournalEntry, write_entry
from retrain.rollout.gateways.protocol import Applied, Gateway, Weights, wait_until_applied
from retrain.rollout.rows.rollouts import open_rollout
from retrain.rollout.rows.weights import newest_weights
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.weights import GENERATIONS_AHEAD

#: Longest wait for the database, which a lock or a network may hold up.
DATABASE_SECONDS = 3.0
#: Attempts where another process sets newer weights meanwhile.
MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class Revert:
    """The outcome of :func:`revert_now`."""

    #: Whether the rows were reverted; else the gateway alone.
    by_rows: bool
    #: Whether the gateway has no canary now.
    confirmed: bool
    #: What the gateway has, or why it is not known.
    detail: str
    #: The entry that the daemon reconciles; ``None``: not needed, or not writable.
    journal: Path | None = None
    #: What did not work on the way.
    warnings: tuple[str, ...] = ()


def revert_now(
    open_engine: Callable[[], Engine],
    gateway: Gateway,
    model: str,
    now: datetime,
    *,
    by: str,
    reason: str,
    journal: Path,
    stable: int | None = None,
    database_seconds: float = DATABASE_SECONDS,
) -> Revert:
    """Send all traffic of a model to its stable version, with or without database and daemon.

    The rows are not fenced by a leader's epoch: whatever a leader does afterwards reads them, and
    whatever it has read before is older than the weights that they want. Without the database the
    gateway gets weights far above any row's generation, and a journal tells the daemon.

    ``stable`` is the stable version's number, for a gateway that does not know it; the wait for the
    database is at most ``database_seconds``.
    """
    engine, problem = _revert_rows(
        open_engine, model, now, by=by, reason=reason, seconds=database_seconds
    )
    if engine is None:
        entry = JournalEntry(model=model, generation=0, by=by, reason=reason, at=now)
        return _revert_gateway(gateway, entry, journal, stable, problem)
    try:
        application = apply_weights(engine, gateway, model, now)
    except DriftwardenError as error:
        return Revert(by_rows=True, confirmed=False, detail=str(error))
    if application is None:
        return Revert(by_rows=True, confirmed=False, detail="no weights were ever wanted")
    row = application.row
    detail = application.error or f"version {row.stable} has all traffic"
    if application.confirmed and row.canary is not None:  # never: the rows were reverted
        return Revert(by_rows=True, confirmed=False, detail=f"version {row.canary} has traffic")
    return Revert(by_rows=True, confirmed=application.confirmed, detail=detail)


def _revert_rows(
    open_engine: Callable[[], Engine],
    model: str,
    now: datetime,
    *,
    by: str,
    reason: str,
    seconds: float,
) -> tuple[Engine | None, str]:
    """Revert the open rollout by rows; return the database, or ``None`` with what was wrong.

    A thread that is late may still commit: that is the same revert.
    """
    outcome: list[tuple[Engine | None, str]] = []

    def work() -> None:
        try:
            engine = open_engine()
            with transaction(engine) as connection:
                rollout = open_rollout(connection, model)
                if rollout is not None:
                    revert_rollout(connection, rollout.id, now, by=by, reason=reason)
                elif newest_weights(connection, model) is None:
                    outcome.append((None, "the database has no weights of the model"))
                    return
            outcome.append((engine, ""))
        except Exception as error:  # noqa: BLE001 - whatever it is, the gateway is next
            outcome.append((None, loggable(error)))

    thread = threading.Thread(target=work, name="revert", daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else (None, f"the database is silent for {seconds:g} s")


def _revert_gateway(
    gateway: Gateway, entry: JournalEntry, journal: Path, stable: int | None, problem: str
) -> Revert:
    """Send all traffic to the stable version at the gateway, above any row's generation."""
    warnings = [problem]
    error = ""
    path: Path | None = None
    for _ in range(MAX_ATTEMPTS):
        applied, error = _last_weights(gateway, entry.model)
        if path is None:
            generation = applied.generation + GENERATIONS_AHEAD if applied else 0
            path = _write(journal, entry, generation, warnings)
        if applied is None:
            error = error or _unknown(gateway, entry.model)
            break
        weights = Weights(
            entry.model,
            stable if stable is not None else applied.stable,
            None,
            0,
            applied.generation + GENERATIONS_AHEAD,
        )
        try:
            gateway.set(weights)
            seen = wait_until_applied(gateway, weights, READ_BACK_SECONDS)
        except StaleWeightsError:
            continue
        except DriftwardenError as caught:
            error = str(caught)
            break
        if seen is not None and seen.matches(weights):
            detail = f"version {weights.stable} has all traffic"
            return Revert(False, True, detail, path, tuple(warnings))
        error = "the gateway does not show the weights that it was sent"
    return Revert(False, False, error or "other weights are set again", path, tuple(warnings))


def _unknown(gateway: Gateway, model: str) -> str:
    """Return what to do where the gateway has no weights."""
    if gateway.name == "none":
        return (
            'with rollout.gateway = "none" the weights are rows of the database; send the traffic '
            "to the stable version where your inference server is configured"
        )
    return f"gateway {gateway.name!r} has no weights of {model}"


def _last_weights(gateway: Gateway, model: str) -> tuple[Applied | None, str]:
    """Return the weights in force, or else the last ones that were written, and what was wrong."""
    error = ""
    for source in (gateway.read, gateway.stored):
        try:
            return source(model), error
        except DriftwardenError as caught:
            error = str(caught)
    return None, error


def _write(folder: Path, entry: JournalEntry, generation: int, warnings: list[str]) -> Path | None:
    """Write the journal before the gateway is changed; it matters less than the revert."""
    try:
        return write_entry(folder, msgspec.structs.replace(entry, generation=generation))
    except DriftwardenError as error:
        warnings.append(str(error))
        return None
