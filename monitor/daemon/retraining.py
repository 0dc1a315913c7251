"""Retraining: from a confirmed decision to a registered and evaluated version.

Training itself runs in a separate process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from monitor.daemon.candidate_evaluations import CandidateEvaluations
from monitor.daemon.human_evaluations import score_locked_human_evaluations
from monitor.daemon.training_data import TrainingDataBuilder
from monitor.daemon.training_metrics import export_training_metrics
from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    TransientError,
    without_quotes,
)
from monitor.settings import Secrets, Sections
from monitor.store.engine import transaction
from monitor.store.review.decisions import DecisionRow, decision_by_id, list_decisions
from monitor.store.training.registry import production_version
from monitor.store.training.runs import RunRow, finish_run, list_runs, run_by_id, run_of_decision
from monitor.store.training.start_requests import waiting_requests
from monitor.telemetry import get_logger
from retrain.data import TrainingSet
from retrain.data.token_counts import TokenCounter
from retrain.jobs.factory import create_launcher
from retrain.jobs.launcher import LauncherSource
from retrain.models.base_model import base_of, load_tokenizer
from retrain.planning.memory.device import this_device
from retrain.planning.options import options_for, options_json
from retrain.planning.order import choose, rejected_attempts
from retrain.planning.starting_point import prepare_bases, serving_source, starts_from_serving
from retrain.recipes.confirmation import require_consent
from retrain.recipes.recipe import stored_recipe
from retrain.recipes.recipe_file import read_recipe_file
from retrain.run_folder import RunFolder
from retrain.training.cancellation import cancel_requested, stop_children
from retrain.training.runs import plan_run, poll_running, prepare_run, start_run
from retrain.training.start_requests import start_requested

log = get_logger(__name__)


@dataclass(frozen=True)
class Retraining:
    """Steps after a decision; each reads from the database what is due."""

    engine: Engine
    settings: Sections
    launcher_of: LauncherSource

    @classmethod
    def build(cls, engine: Engine, settings: Sections, secrets: Secrets) -> "Retraining":
        """Build the steps of the settings."""
        return cls(
            engine=engine,
            settings=settings,
            launcher_of=partial(create_launcher, settings=settings.retrain, secrets=secrets),
        )

    def advance(self, now: datetime, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Plan, start and finish training runs and evaluations.

        ``may_continue`` is called before each piece of work; ``False`` leaves the rest to the next
        call.
        """
        for _ in self._steps(now):
            if not may_continue():
                return

    def _steps(self, now: datetime) -> Iterator[None]:
        """Do what is due; yield after each piece of work."""
        for decision in self._confirmed():
            yield
            try:
                self._plan(decision, now)
            except DatabaseUnavailableError:
                raise
            except DriftwardenError as error:  # logged and repeated; other runs continue
                log.error(  # noqa: TRY400
                    "training_run_not_planned", decision=decision.id, error=str(error)
                )
        yield
        for run in cancel_requested(self.engine, self.launcher_of, now):
            log.info("training_run_cancelled", run=run.id, by=run.cancel_requested_by)
        stop_children(self.engine, self.launcher_of)
        yield
        yield from self._start_requested(now)
        yield from self._start_planned(now)
        states = poll_running(
            self.engine, self.launcher_of, now, resumptions=self.settings.retrain.max_resumptions
        )
        export_training_metrics(states)
        for state in states:
            if state.run.status != "running":
                log.info(
                    "training_run_finished",
                    run=state.run.id,
                    status=state.run.status,
                    version=state.version_id,
                    error=without_quotes(state.run.error or ""),
                )
        yield
        score_locked_human_evaluations(self.engine, self.settings, now)
        yield
        yield from CandidateEvaluations(self.engine, self.settings, self.launcher_of).steps(now)

    def _confirmed(self) -> list[DecisionRow]:
        """Return the confirmed decisions to retrain that have no run yet."""
        with transaction(self.engine) as connection:
            return [
                decision
                for settings in self.settings.by_model
                for decision in list_decisions(connection, settings.model.name)
                if decision.recommendation == "retrain"
                and (decision.confirmed_by or not settings.retrain.require_confirmation)
                and run_of_decision(connection, decision.id) is None
            ]

    def _plan(self, decision: DecisionRow, now: datetime) -> None:
        """Plan a run; its data are written when it starts."""
        retrain = self.settings.settings_of(decision.model).retrain
        work_dir = Path(retrain.work_dir)
        requested = read_recipe_file(retrain.recipe)
        bases = prepare_bases(requested, work_dir)
        with transaction(self.engine) as connection:
            serving = production_version(connection, decision.model)
            rejected = rejected_attempts(connection, decision.model)
        launcher = self.launcher_of(retrain.launcher)
        device = this_device() if launcher.capabilities.device.able else None
        prepared = options_for(requested, bases, serving, device)
        recipe = choose(prepared, requested.method, rejected).recipe
        require_consent(recipe.method, decision.model, retrain.full_fine_tuning_of)
        with transaction(self.engine) as connection:
            run_id = plan_run(
                connection,
                model=decision.model,
                recipe=recipe,
                work_dir=work_dir,
                now=now,
                decision_id=decision.id,
                launcher=retrain.launcher,
                plan=options_json(prepared),
            )
        log.info("training_run_planned", run=run_id, decision=decision.id, method=recipe.method)

    def _prepare(self, run: RunRow, decision: DecisionRow) -> None:
        """Write the data of a run."""
        training_set = self._training_set(run, decision)
        with transaction(self.engine) as connection:
            prepare_run(connection, run.id, training_set)

    def _training_set(self, run: RunRow, decision: DecisionRow) -> TrainingSet:
        """Build the training set from the gold of the decision's batches and the replay."""
        recipe = stored_recipe(run.recipe)
        base = base_of(recipe)
        with transaction(self.engine) as connection:
            serving = production_version(connection, run.model)
        anew = not starts_from_serving(recipe, serving)
        preparation = TrainingDataBuilder(
            self.engine, self.settings.settings_of(run.model), run.model, recipe, replay_all=anew
        )
        made = preparation.from_queue(decision.inputs.get("batches"))
        counter = TokenCounter(load_tokenizer(base))
        return made.with_base(counter, serving_source(base, serving))

    def _start_requested(self, now: datetime) -> Iterator[None]:
        """Start and resume the runs that leads requested on the page; yield before each."""
        with transaction(self.engine) as connection:
            requests = [
                request
                for request in waiting_requests(connection)
                if self.settings.is_watched(run_by_id(connection, request.run_id).model)
            ]
        for request in requests:
            yield
            start_requested(self.engine, request, self.launcher_of, now)

    def _start_planned(self, now: datetime) -> Iterator[None]:
        """Start the runs that a decision planned; runs planned by hand are started by hand.

        It yields before each. A run that can't be trained, for lack of gold for instance, fails
        with the reason.
        """
        with transaction(self.engine) as connection:
            planned = [
                (run, decision_by_id(connection, run.decision_id))
                for run in list_runs(connection, statuses=("planned",))
                if run.decision_id is not None and self.settings.is_watched(run.model)
            ]
        for run, decision in planned:
            yield
            try:
                if not RunFolder(Path(run.work_dir)).training_data.is_file():
                    self._prepare(run, decision)
                start_run(self.engine, run.id, self.launcher_of(run.launcher), now)
            except DatabaseUnavailableError:
                raise
            except TransientError as error:  # it waits; other runs continue
                log.warning("training_run_start_postponed", run=run.id, error=str(error))
            except DriftwardenError as error:
                log.error("training_run_start_failed", run=run.id, error=str(error))  # noqa: TRY400
                with transaction(self.engine) as connection:
                    finish_run(connection, run.id, "failed", finished_at=now, error=str(error))
            else:
                log.info("training_run_started", run=run.id)
