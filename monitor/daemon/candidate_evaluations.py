"""Candidate evaluations of the daemon: planned, run in a process, rated by users."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.alerts.messages.gate_result import announce_gate_results
from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    InputError,
    TransientError,
    without_quotes,
)
from monitor.review.guidelines.versions import task_types_in_force
from monitor.review.human_evaluation.opening import open_human_evaluation
from monitor.settings import Sections, Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import human_evaluation_of_candidate
from monitor.store.training import candidate_evaluations as store
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import PROMPTED, GateCheck
from monitor.telemetry import get_logger
from retrain.evaluation.gate_result import add_checks, conclude
from retrain.evaluation.human_evaluation.combined_result import with_human_evaluation
from retrain.evaluation.lifecycle import (
    plan_or_refuse,
    poll_running,
    start_evaluation,
    stop_children,
)
from retrain.evaluation.request import as_request, request_for
from retrain.evaluation.weights import weights_checks
from retrain.jobs.launcher import LauncherSource
from retrain.run_folder import RunFolder, read_lines

log = get_logger(__name__)


@dataclass(frozen=True)
class CandidateEvaluations:
    """Steps of candidate evaluations; each reads from the database what is due."""

    engine: Engine
    settings: Sections
    launcher_of: LauncherSource

    def steps(self, now: datetime) -> Iterator[None]:
        """Plan, start and finish candidate evaluations, and announce the results.

        It yields after each piece of work, so that the caller may stop there.
        """
        stop_children(self.engine, self.launcher_of)
        yield
        self._plan(now)
        yield
        yield from self._start_planned(now)
        for state in poll_running(self.engine, self.launcher_of, now):
            if state.row.status != "running":
                log.info(
                    "candidate_evaluation_finished",
                    evaluation=state.row.id,
                    status=state.row.status,
                    gate_result=state.row.gate_result,
                    error=without_quotes(state.row.error or ""),
                )
        yield
        self._advance_human_evaluations(now)
        yield
        with transaction(self.engine) as connection:
            for settings in self.settings.by_model:
                announce_gate_results(connection, settings.model.name, now, settings.alerts)

    def _plan(self, now: datetime) -> None:
        """Plan an evaluation of each candidate that has none."""
        for settings in self.settings.by_model:
            if settings.retrain.evaluation:
                self._plan_of_model(settings, Path(settings.retrain.evaluation), now)

    def _plan_of_model(self, settings: Settings, file: Path, now: datetime) -> None:
        with transaction(self.engine) as connection:
            candidates = store.unevaluated_candidates(connection, settings.model.name)
        for version in candidates:
            try:
                with transaction(self.engine) as connection:
                    request = request_for(
                        connection,
                        version,
                        settings,
                        file,
                        task_types=task_types_in_force(
                            connection, settings.review, settings.model.name
                        ),
                    )
                    planned = plan_or_refuse(connection, version, request, by=SYSTEM, now=now)
            except DatabaseUnavailableError:
                raise
            except DriftwardenError as error:  # logged; repeated by the next run
                log.error(  # noqa: TRY400
                    "candidate_evaluation_not_planned", version=version.id, error=str(error)
                )
            else:
                if planned is None:
                    log.warning("candidate_evaluation_refused", version=version.id)
                else:
                    log.info("candidate_evaluation_planned", evaluation=planned, version=version.id)

    def _start_planned(self, now: datetime) -> Iterator[None]:
        with transaction(self.engine) as connection:
            planned = store.list_candidate_evaluations(connection, statuses=("planned",))
        for row in planned:
            if row.next_attempt_at > now or not self.settings.is_watched(row.model):
                continue
            yield
            try:
                start_evaluation(self.engine, row.id, self.launcher_of(row.launcher), now)
            except DatabaseUnavailableError:
                raise
            except TransientError as error:
                log.warning(
                    "candidate_evaluation_start_postponed", evaluation=row.id, error=str(error)
                )
            except DriftwardenError as error:
                log.error(  # noqa: TRY400
                    "candidate_evaluation_start_failed", evaluation=row.id, error=str(error)
                )
                with transaction(self.engine) as connection:
                    store.finish_candidate_evaluation(
                        connection, row.id, "failed", now=now, error=str(error)
                    )
            else:
                log.info("candidate_evaluation_started", evaluation=row.id)

    def _advance_human_evaluations(self, now: datetime) -> None:
        """Open the human evaluation of each waiting result, and conclude it with the ratings."""
        with transaction(self.engine) as connection:
            waiting = store.list_candidate_evaluations(connection, statuses=("awaiting_ratings",))
        for row in waiting:
            if not self.settings.is_watched(row.model):
                continue
            with transaction(self.engine) as connection:
                # Locked, so that a cancellation meanwhile leaves no human evaluation behind.
                locked = store.candidate_evaluation_by_id(connection, row.id, lock=True)
                if locked.status == "awaiting_ratings":
                    self._advance_human_evaluation(connection, locked, now)

    def _advance_human_evaluation(
        self, connection: Connection, row: CandidateEvaluationRow, now: datetime
    ) -> None:
        human_evaluation = human_evaluation_of_candidate(connection, row.id)
        if human_evaluation is None:
            self._open_human_evaluation(connection, row, now)
        elif human_evaluation.results is not None and row.results is not None:
            results = with_human_evaluation(connection, row, human_evaluation)
            conclude(
                connection, row, add_checks(results, weights_checks(connection, row, now)), now
            )

    def _open_human_evaluation(
        self, connection: Connection, row: CandidateEvaluationRow, now: datetime
    ) -> None:
        """Open a human evaluation of the responses.

        Without responses, or where the weights are not those that gave them, a lead must decide.
        """
        request = as_request(row.request)
        plan, results = request.plan.human_eval, row.results
        # An evaluation awaits ratings only with a plan and with results.
        assert plan is not None and results is not None  # noqa: S101, PT018
        responses = list(read_lines(RunFolder(Path(row.work_dir)).evaluation_responses(row.id)))
        suites = set(results.safety_suites)
        responses = [line for line in responses if line["by"] != PROMPTED]  # not rated
        rated = [line for line in responses if line["benchmark"] not in suites] or responses
        changed = weights_checks(connection, row, now)
        if changed:
            log.warning("human_evaluation_not_opened", evaluation=row.id, error=changed[0].observed)
            conclude(connection, row, add_checks(results, changed), now)
            return
        try:
            _require_all([name for name in results.systems if name != PROMPTED], rated)
            human_evaluation = open_human_evaluation(
                connection,
                evaluation_id=row.id,
                plan=plan,
                rows=rated,
                seed=request.seed,
                secret=secrets.token_bytes(32),
                now=now,
            )
        except InputError as error:
            log.warning("human_evaluation_not_opened", evaluation=row.id, error=str(error))
            conclude(connection, row, add_checks(results, [_not_asked(error)]), now)
        else:
            log.info(
                "human_evaluation_opened", human_evaluation=human_evaluation, evaluation=row.id
            )


def _require_all(systems: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Require responses of every system, which a truncated file lacks."""
    missing = sorted(set(systems) - {str(row["by"]) for row in rows})
    if missing:
        raise InputError(f"the run's folder holds no response of {', '.join(missing)}")


def _not_asked(error: InputError) -> GateCheck:
    """Return the check of a human evaluation that evaluation.yaml requests and that can't start."""
    return GateCheck(
        "people compare the responses",
        "undecided",
        f"the human evaluation can't start: {error}",
        "the human evaluation of evaluation.yaml; evaluate again, or approve the candidate",
        code="human_evaluation",
    )
