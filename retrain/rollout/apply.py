"""Wanted weights at the gateway: sent, read back, confirmed, and repaired where they differ."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.errors import DriftwardenError, StaleWeightsError, TransientError, loggable
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.training.registry import lock_model
from monitor.telemetry import get_logger
from retrain.rollout.gateways.protocol import Applied, Gateway, wait_until_applied
from retrain.rollout.rows import rollouts, weights
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import WeightsRow
from retrain.rollout.steps import take_step
from retrain.rollout.transitions.promotion import roll_back_version
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.weights import as_weights, want_weights

#: Longest wait for the gateway to show the weights that it was sent.
READ_BACK_SECONDS = 3.0
#: A gateway that still has other weights after so many rows is left to the next call.
MAX_ROWS = 5

log = get_logger(__name__)


@dataclass(frozen=True)
class Application:
    """The outcome of a call of :func:`apply_weights`."""

    #: The wanted weights.
    row: WeightsRow
    #: Whether the gateway has them.
    confirmed: bool
    #: Why not.
    error: str = ""


def apply_weights(
    engine: Engine, gateway: Gateway, model: str, now: datetime
) -> Application | None:
    """Make the gateway have the weights that a model's newest row wants, and note the result.

    Idempotent, and safe to call from several processes: the gateway refuses older generations, and
    rows that were written meanwhile are applied too. No transaction is open while the gateway is
    spoken to. The result is ``None`` where no weights of the model were ever wanted.

    Raises:
        DatabaseUnavailableError: The database is unavailable.
    """
    application = None
    for _ in range(MAX_ROWS):
        with transaction(engine) as connection:
            row = weights.newest_weights(connection, model)
        if row is None or (application is not None and application.row.id == row.id):
            return application
        application = _apply(engine, gateway, row, now)
    return application


def _apply(engine: Engine, gateway: Gateway, row: WeightsRow, now: datetime) -> Application:
    """Apply one row."""
    wanted = as_weights(row)
    try:
        applied, is_read = _read(gateway, row.model)
        if applied is not None and applied.generation > row.generation:
            return _follow_newer(engine, row, applied, now)
        if applied is None or not applied.matches(wanted):
            if row.confirmed_at is not None and is_read and gateway.capabilities.reads_weights:
                _note_overwritten(engine, row, applied, now)
            gateway.set(wanted)
            applied = wait_until_applied(gateway, wanted, READ_BACK_SECONDS)
    except StaleWeightsError as error:  # a newer row, or a revert that no row knows: read again
        return Application(row, confirmed=False, error=str(error))
    except DriftwardenError as error:
        return _fail(engine, row, error)
    if gateway.capabilities.reads_weights and not (applied and applied.matches(wanted)):
        return _fail(engine, row, TransientError(f"the gateway has {describe(applied)}"))
    return _confirm(engine, row, now)


def _read(gateway: Gateway, model: str) -> tuple[Applied | None, bool]:
    """Return the weights in force, and whether they could be read.

    A gateway that can't tell them may take new ones all the same: a revert must not wait for it.
    """
    try:
        return gateway.read(model), True
    except TransientError:
        return None, False


def _confirm(engine: Engine, row: WeightsRow, now: datetime) -> Application:
    """Note that the gateway has the weights; the time of a rollout's stage begins."""
    if row.confirmed_at is not None and row.error is None:
        return Application(row, confirmed=True)
    with transaction(engine) as connection:
        lock_model(connection, row.model)
        current = weights.weights_by_id(connection, row.id)
        weights.update_weights(
            connection, row.id, confirmed_at=current.confirmed_at or now, attempts=0, error=None
        )
        if current.confirmed_at is not None:  # by another call, or earlier
            return Application(row, confirmed=True)
        newest = weights.newest_weights(connection, row.model)
        rollout = rollouts.open_rollout(connection, row.model, lock=True)
        is_newest = newest is not None and newest.id == row.id
        if rollout is not None and rollout.id == row.rollout_id and is_newest:
            take_step(
                connection,
                rollout,
                "confirmed",
                by=SYSTEM,
                now=now,
                reason=f"the gateway has {row.canary_percent}% at version {row.canary}",
                details={"generation": row.generation},
                stage_started_at=now,
            )
    log.info(
        "weights_confirmed",
        model=row.model,
        generation=row.generation,
        stable=row.stable,
        canary=row.canary,
        canary_percent=row.canary_percent,
    )
    return Application(row, confirmed=True)


def _fail(engine: Engine, row: WeightsRow, error: DriftwardenError) -> Application:
    text = str(error)
    with transaction(engine) as connection:
        if weights.weights_by_id(connection, row.id) != row:
            # Another process has reached the gateway meanwhile, or failed to.
            return Application(row, confirmed=False, error=text)
        weights.update_weights(connection, row.id, attempts=row.attempts + 1, error=text)
    log.warning(
        "weights_not_applied",
        model=row.model,
        generation=row.generation,
        attempts=row.attempts + 1,
        error=loggable(error),
    )
    return Application(row, confirmed=False, error=text)


def _note_overwritten(
    engine: Engine, row: WeightsRow, applied: Applied | None, now: datetime
) -> None:
    with transaction(engine) as connection:
        weights.update_weights(
            connection, row.id, n_overwritten=row.n_overwritten + 1, overwritten_at=now
        )
    log.warning(
        "weights_overwritten",
        model=row.model,
        generation=row.generation,
        at_gateway=describe(applied),
    )


def _follow_newer(engine: Engine, row: WeightsRow, applied: Applied, now: datetime) -> Application:
    """Follow a gateway with a newer generation than the rows: weights set without the database.

    An open rollout whose canary has no traffic there was reverted. One that was completed before
    this was noticed is undone. Else the rows are right: they are wanted again, with a generation
    above the gateway's.
    """
    with transaction(engine) as connection:
        lock_model(connection, row.model)
        newest = weights.newest_weights(connection, row.model)
        if newest is None or newest.generation >= applied.generation:
            return Application(row, confirmed=False, error="newer weights are wanted")
        canary = _rollout_reverted_there(connection, newest, applied)
        reason = "it was reverted at the gateway while the database was unavailable"
        above = applied.generation
        if canary is not None and canary.is_open:
            details = {"generation": applied.generation}
            revert_rollout(
                connection, canary.id, now, by=SYSTEM, reason=reason, details=details, above=above
            )
        elif canary is not None:
            roll_back_version(
                connection,
                row.model,
                now,
                by=SYSTEM,
                reason=reason,
                above=above,
                serves_already=True,
            )
        else:
            want_weights(
                connection,
                row.model,
                stable_id=newest.stable_version_id,
                canary_id=newest.canary_version_id,
                canary_percent=newest.canary_percent,
                rollout_id=newest.rollout_id,
                by=SYSTEM,
                reason=f"the gateway had {describe(applied)}: a newer generation than the rows",
                now=now,
                above=above,
            )
    log.warning(
        "gateway_is_newer",
        model=row.model,
        generation=row.generation,
        at_gateway=describe(applied),
        reverted=canary is not None,
    )
    return Application(row, confirmed=False, error="the gateway has newer weights")


def _rollout_reverted_there(
    connection: Connection, newest: WeightsRow, applied: Applied
) -> RolloutRow | None:
    """Return the rollout of the newest weights where its version has no traffic at a gateway.

    It is open, or was completed with these weights, and the gateway has its stable version alone.
    """
    if newest.rollout_id is None:
        return None
    rollout = rollouts.rollout_by_id(connection, newest.rollout_id)
    if rollout.version in applied.shares:
        return None
    if rollout.is_open:
        return rollout
    completed = rollout.status == "completed" and newest.stable_version_id == rollout.version_id
    return rollout if completed and newest.confirmed_at is None else None


def describe(applied: Applied | None) -> str:
    """Return the weights in force as text.

    >>> describe(Applied("desk", 1, 2, 5, 7))
    'version 1 at 95%, version 2 at 5%, generation 7'
    """
    if applied is None:
        return "no weights of the model"
    parts = [f"version {version} at {percent}%" for version, percent in applied.shares.items()]
    return ", ".join([*parts, *applied.unexpected, f"generation {applied.generation}"])
