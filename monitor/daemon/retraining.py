"""Retraining: from a confirmed decision to a registered and evaluated version.

Training itself runs in a separate process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from msgspec import structs
from sqlalchemy import Engine

from monitor.daemon.candidate_evaluations import CandidateEvaluations
from monitor.daemon.human_evaluations import score_locked_human_evaluations
from monitor.daemon.run_drafts import RunDrafts
from monitor.daemon.run_plan import RunPlan, check_plan, choose_run, refused_preview
from monitor.daemon.training_data import TrainingDataBuilder
from monitor.daemon.training_metrics import export_training_metrics
from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    TransientError,
    without_quotes,
)
from monitor.review.decision.decisions import require_open
from monitor.settings import Secrets, Sections, Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.review.decision_states import decision_states
from monitor.store.review.decisions import (
    DecisionRow,
    decision_by_id,
    list_decisions,
    save_preview,
)
from monitor.store.review.training_batches import training_batches
from monitor.store.training.runs import finish_run, list_runs, run_by_id, run_of_decision
from monitor.store.training.start_requests import waiting_requests
from monitor.telemetry import get_logger
from retrain.data import TrainingSet
from retrain.jobs.factory import create_launcher
from retrain.jobs.launcher import LauncherSource
from retrain.planning.checks.replay import propose_replay
from retrain.planning.memory.device import this_device
from retrain.planning.preview import stored_preview
from retrain.recipes.confirmation import require_consent
from retrain.recipes.recipe_file import read_recipe_file
from retrain.training.cancellation import cancel_requested, stop_children
from retrain.training.runs import poll_running, start_run
from retrain.training.start_requests import start_requested

log = get_logger(__name__)


#: Time after which a run that waits for a lead, or can't start, is checked again.
RECHECKED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Retraining:
    """Steps after a decision; each reads from the database what is due."""

    engine: Engine
    settings: Sections
    launcher_of: LauncherSource
    #: Decisions that this process has checked: a new one may have other settings.
    checked: set[int] = field(default_factory=set)

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
        for decision in self._without_run():
            yield
            try:
                self._check_and_plan(decision, now)
            except DatabaseUnavailableError:
                raise
            except TransientError as error:  # logged and repeated; other runs continue
                log.warning("training_run_not_planned", decision=decision.id, error=str(error))
        yield
        for run in cancel_requested(self.engine, self.launcher_of, now):
            log.info("training_run_cancelled", run=run.id, by=run.cancel_requested_by)
        stop_children(self.engine, self.launcher_of)
        yield
        yield from RunDrafts(self.engine, self.settings, self.launcher_of).steps(now)
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

    def _without_run(self) -> list[DecisionRow]:
        """Return open decisions to retrain without a run."""
        with transaction(self.engine) as connection:
            return [
                decision
                for settings in self.settings.by_model
                for states in [decision_states(connection, settings.model.name)]
                for decision in list_decisions(connection, settings.model.name)
                if decision.recommendation == "retrain"
                and states[decision.id].is_open
                and run_of_decision(connection, decision.id) is None
            ]

    def _check_and_plan(self, decision: DecisionRow, now: datetime) -> None:
        """Check the run of a decision for a lead to see and, where it is confirmed, plan it.

        A run that would fail is not planned. It is checked again after an hour, by a new process,
        and where a lead asks for it.
        """
        settings = self.settings.settings_of(decision.model)
        confirmed, before = _is_confirmed(decision, settings), stored_preview(decision.preview)
        if (
            before is not None
            and (before.refusal or not confirmed)
            and decision.id in self.checked
            and now - before.checked_at < RECHECKED_AFTER
        ):
            return
        self.checked.add(decision.id)
        run_id = None
        try:
            planned, raised = self._make_plan(decision, settings)
            preview = planned.preview(now)
            if raised:
                preview = structs.replace(preview, remarks=(raised, *preview.remarks))
            with transaction(self.engine) as connection:
                # A lead may have started another plan meanwhile, whose data stay.
                planned_now = run_of_decision(connection, decision.id)
                if confirmed and not preview.refusal and planned_now is None:
                    run_id, _ = planned.store(connection, now, decision_id=decision.id, by=SYSTEM)
                save_preview(connection, decision.id, preview.as_json())
        except TransientError:
            raise
        except DriftwardenError as error:
            preview = refused_preview(
                error,
                now,
                lambda: self._make_plan(decision, settings, accept_untrainable=True)[0],
            )
            with transaction(self.engine) as connection:
                save_preview(connection, decision.id, preview.as_json())
        if preview.refusal:
            log.error("training_run_not_planned", decision=decision.id, error=preview.refusal)
        if run_id is not None:
            log.info("training_run_planned", run=run_id, decision=decision.id)

    def _make_plan(
        self, decision: DecisionRow, settings: Settings, *, accept_untrainable: bool = False
    ) -> tuple[RunPlan, str]:
        """Return the plan of a decision's run, and why it replays more than the recipe says."""
        retrain = settings.retrain
        launcher = self.launcher_of(retrain.launcher)
        device = this_device() if launcher.capabilities.device.able else None

        def build(data: TrainingDataBuilder) -> TrainingSet:
            chosen = replace(data, accept_untrainable=accept_untrainable)
            return chosen.from_queue(batches)

        requested = read_recipe_file(retrain.recipe)
        with transaction(self.engine) as connection:
            share, raised = propose_replay(connection, decision.model, requested)
            batches = training_batches(connection, decision)
        requested = structs.replace(requested, replay_share=share)
        choice = choose_run(self.engine, settings, requested, device, build)
        method = choice.chosen.recipe.method
        require_consent(method, decision.model, retrain.full_fine_tuning_of)
        return check_plan(choice, device, build), raised

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

        It yields before each. A run that can't be started fails with the reason; one whose
        decision is no longer open is cancelled.
        """
        with transaction(self.engine) as connection:
            planned = [
                run
                for run in list_runs(connection, statuses=("planned",))
                if run.decision_id is not None and self.settings.is_watched(run.model)
            ]
        for run in planned:
            yield
            try:
                with transaction(self.engine) as connection:
                    require_open(connection, decision_by_id(connection, run.decision_id or 0))
                start_run(self.engine, run.id, self.launcher_of(run.launcher), now)
            except DatabaseUnavailableError:
                raise
            except TransientError as error:  # it waits; other runs continue
                log.warning("training_run_start_postponed", run=run.id, error=str(error))
            except DriftwardenError as error:
                log.error("training_run_start_failed", run=run.id, error=str(error))  # noqa: TRY400
                status = "cancelled" if error.code in {"closed", "superseded"} else "failed"
                with transaction(self.engine) as connection:
                    finish_run(connection, run.id, status, finished_at=now, error=str(error))
            else:
                log.info("training_run_started", run=run.id)


def _is_confirmed(decision: DecisionRow, settings: Settings) -> bool:
    return bool(decision.confirmed_by) or not settings.retrain.require_confirmation
