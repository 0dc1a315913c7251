"""The plan of observation, read from the database on a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from monitor.errors import TransientError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.telemetry import OBSERVED_ROLLOUTS, get_logger
from monitor.traffic.sampling.observation_plan import ObservationPlan, build_plan
from retrain.rollout.rows.observation_plans import observed_rollouts

log = get_logger(__name__)

READ_EVERY_SECONDS = 5.0


class ObservationPlans:
    """The present plan of observation; the last one stays where the database is unavailable."""

    def __init__(self, engine: Engine, settings: Sections) -> None:
        self._engine = engine
        self._settings = settings
        self._plan: ObservationPlan | None = None

    def present(self) -> ObservationPlan | None:
        """Return the present plan; ``None`` where nothing is observed."""
        return self._plan

    def read(self) -> None:
        """Read the open rollouts and experiments."""
        try:
            with transaction(self._engine) as connection:
                rollouts = observed_rollouts(connection)
        except TransientError as error:
            log.debug("observation_plan_not_read", error=str(error), action="keep the last one")
            return
        plan = build_plan(self._settings, rollouts)
        if plan == self._plan:
            return  # the same object: readers tell a change by identity
        self._plan = plan
        observed = {} if plan is None else plan.models
        OBSERVED_ROLLOUTS.set(len(observed))
        log.info("observation_plan_changed", models=sorted(observed))


@contextmanager
def kept_plans(engine: Engine, settings: Sections) -> Iterator[ObservationPlans]:
    """Keep the plan up to date during a block."""
    plans, stop = ObservationPlans(engine, settings), threading.Event()
    plans.read()
    thread = threading.Thread(
        target=_repeat, args=(plans, stop), name="observation-plans", daemon=True
    )
    thread.start()
    try:
        yield plans
    finally:
        stop.set()


def _repeat(plans: ObservationPlans, stop: threading.Event) -> None:
    while not stop.wait(READ_EVERY_SECONDS):
        try:
            plans.read()
        except Exception:  # whatever it is, reading must go on
            log.exception("observation_plan_not_read")
