"""Drafts of training runs, which leads request on the page and the leader checks and plans."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import msgspec
from sqlalchemy import Engine

from monitor.daemon.run_plan import RunPlan, check_plan, choose_run, refused_preview
from monitor.daemon.training_data import TrainingDataBuilder
from monitor.errors import DatabaseUnavailableError, DriftwardenError, TransientError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.review.gold_export import gold_state
from monitor.store.review.training_batches import batches_of_decision
from monitor.store.training.plan_requests import (
    PlanRequest,
    read_plan_request,
    refuse_draft,
)
from monitor.store.training.runs import RunRow, list_runs, run_by_id
from monitor.telemetry import get_logger
from retrain.data import TrainingSet
from retrain.jobs.launcher import LauncherSource
from retrain.planning.memory.device import this_device
from retrain.planning.preview import stored_preview
from retrain.recipes.confirmation import require_consent
from retrain.recipes.recipe_file import RecipeFile

log = get_logger(__name__)


@dataclass(frozen=True)
class RunDrafts:
    """Steps of drafts: each is checked once, and is a planned run or has a refusal afterwards."""

    engine: Engine
    settings: Sections
    launcher_of: LauncherSource

    def steps(self, now: datetime) -> Iterator[None]:
        """Plan the drafts that nobody has checked; yield before each."""
        with transaction(self.engine) as connection:
            waiting = [
                run
                for run in list_runs(connection, statuses=("draft",))
                if stored_preview(run.plan) is None
                and run.cancel_requested_by is None
                and self.settings.is_watched(run.model)
            ]
        for draft in reversed(waiting):
            yield
            try:
                self._plan(draft, now)
            except DatabaseUnavailableError:
                raise
            except TransientError as error:  # it waits; other runs continue
                log.warning("draft_not_planned", run=draft.id, error=str(error))

    def _plan(self, draft: RunRow, now: datetime) -> None:
        request = read_plan_request(draft)
        if request is None:
            return
        with transaction(self.engine) as connection:
            batches = batches_of_decision(connection, request.decision_id)
            gold = gold_state(connection, draft.model, batches)
        planned: RunPlan | None = None
        try:
            planned = self._check(draft, request, batches)
            preview = planned.preview(now)
        except TransientError:
            raise
        except DriftwardenError as error:
            rest = replace(request, accept_untrainable=True)
            preview = refused_preview(error, now, partial(self._check, draft, rest, batches))
        stored = {"request": request.as_json(), "gold": gold}
        with transaction(self.engine) as connection:
            current = run_by_id(connection, draft.id, lock=True)
            if (current.status, current.plan) != (draft.status, draft.plan):
                return  # revised or cancelled meanwhile
            if planned is None or preview.refusal:
                refuse_draft(connection, draft.id, request, preview.as_json() | {"gold": gold})
            else:
                planned.store_draft(connection, replace(draft, plan=stored), now)
        log.info("draft_checked", run=draft.id, refusal=preview.code)

    def _check(self, draft: RunRow, request: PlanRequest, batches: list[int] | None) -> RunPlan:
        """Check a draft by the steps of `driftwarden retrain plan`."""
        settings = self.settings.settings_of(draft.model)
        requested = msgspec.convert(draft.recipe, RecipeFile)
        launcher = self.launcher_of(settings.retrain.launcher)
        device = this_device() if launcher.capabilities.device.able else None

        def build(data: TrainingDataBuilder) -> TrainingSet:
            chosen = replace(
                data, left_out=request.left_out, accept_untrainable=request.accept_untrainable
            )
            return chosen.from_queue(batches)

        choice = choose_run(self.engine, settings, requested, device, build)
        if not request.is_full_confirmed:
            method = choice.chosen.recipe.method
            require_consent(method, draft.model, settings.retrain.full_fine_tuning_of)
        return check_plan(choice, device, build)
