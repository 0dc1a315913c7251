"""Measurement of the open rollouts and experiments by the daemon."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.errors import ChildProcessFailedError, ModelError, loggable
from monitor.scheduling.complete_traffic import complete_until
from monitor.scheduling.runner import Runner
from monitor.settings import Sections, Settings
from monitor.store.engine import snapshot, transaction
from monitor.store.training.registry import version_by_id
from monitor.telemetry import get_logger
from retrain.evaluation.judge.chat_client import judge_of
from retrain.rollout.experiments.next_look import look_at_experiment
from retrain.rollout.jobs.embeddings import (
    COMPARED_EVERY,
    COMPARED_TIME,
    MIN_COMPARED,
    compare_arms,
    learn_relevance,
    score_relevance,
)
from retrain.rollout.measurement.feedback import score_feedback
from retrain.rollout.measurement.formats import score_formats
from retrain.rollout.measurement.judged import judge_hour
from retrain.rollout.measurement.next_look import next_hour, next_look
from retrain.rollout.measurement.starting_point import (
    StartingPoint,
    fix_starting_point,
    stored_starting_point,
)
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.plan import RolloutPlan, plan_of
from retrain.rollout.rows.comparisons import comparison_of
from retrain.rollout.rows.looks import HOUR, Look, newest_look
from retrain.rollout.rows.measured_hours import count_arms
from retrain.rollout.rows.rollouts import RolloutRow, list_rollouts, open_rollouts

log = get_logger(__name__)

#: Longest time of a task that needs vectors.
MAX_EMBEDDING_TIME = timedelta(minutes=3)
#: Time after its end in which a rollout is compared once more.
COMPARED_AFTER_END = timedelta(days=1)
#: Newest rollouts of all models that are compared.
MAX_COMPARED = 50


@dataclass(frozen=True)
class RolloutMeasurement:
    """Measurement of rollouts, an hour at a time."""

    engine: Engine
    settings: Sections
    started_at: datetime
    #: Runs what needs vectors; ``None``: relevance and the comparison are left out.
    runner: Runner | None = None
    judge_key: str = ""
    #: The newest hour of each rollout that was judged.
    judge_hours: dict[int, datetime] = field(default_factory=dict)
    #: The newest hour of each rollout whose comparison was tried.
    compared_hours: dict[int, datetime] = field(default_factory=dict)

    def next_look(self, rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        """Return the look at the next complete hour of a rollout; ``None``: none is complete.

        Before it, the rollout's checks are fixed, and the hour's output formats and the late
        feedback are scored: rows that are written once, however often this is repeated.
        """
        settings = self.settings.settings_of(rollout.model)
        topic = self.settings.kafka.topic
        until = complete_until(self.engine, topic, now, self.started_at, observed=True)
        with snapshot(self.engine) as connection:
            subject = subject_of(connection, rollout, plan)
            hour = next_hour(connection, subject)
        if hour + HOUR > until:
            return None
        point = self._starting_point(subject, settings)
        with transaction(self.engine) as connection:
            score_formats(connection, subject, point, hour, now)
            if rollout.kind == "rollout":
                score_feedback(connection, subject, point.checks, hour + HOUR, now)
        if point.relevance is not None and rollout.kind == "rollout":
            limit = settings.rollout.embedded_per_hour
            self._run(score_relevance, subject, point.relevance, hour, limit, now)
        with snapshot(self.engine) as connection:
            if rollout.kind == "experiment":
                return look_at_experiment(
                    connection,
                    rollout,
                    subject,
                    settings,
                    point=point,
                    complete_until=until,
                    now=now,
                )
            return next_look(connection, subject, settings, until, now)

    def judge(self, now: datetime, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Have the judge score responses of the newest hours that were looked at.

        Looks don't wait for it: its scores count at the next.
        """
        with snapshot(self.engine) as connection:
            looked = [
                (rollout, newest_look(connection, rollout.id))
                for rollout in open_rollouts(connection)
            ]
        for rollout, look in looked:
            if look is None or self.judge_hours.get(rollout.id) == look.hour or not may_continue():
                continue
            settings = self.settings.settings_of(rollout.model)
            judge, limit = settings.retrain.judge, settings.rollout.judged_per_hour
            with judge_of(judge, self.judge_key) as client:
                if client is not None and limit:
                    judge_hour(
                        self.engine,
                        client,
                        rollout.id,
                        look.hour,
                        now,
                        limit=limit,
                        rubrics=judge.rubrics,
                        concurrency=judge.max_concurrency,
                    )
            self.judge_hours[rollout.id] = look.hour

    def compare(self, now: datetime, may_continue: Callable[[], bool] = lambda: True) -> None:
        """Compare responses given the prompts, every few hours and after the end of a rollout.

        The comparison is shown, and decides nothing.
        """
        with snapshot(self.engine) as connection:
            rollouts = list_rollouts(connection, limit=MAX_COMPARED)
        for rollout in rollouts:
            ended = rollout.finished_at
            if not may_continue():
                return
            if ended is None or now - ended < COMPARED_AFTER_END:
                self._compare(rollout, now)

    def _compare(self, rollout: RolloutRow, now: datetime) -> None:
        """Compare the arms of a rollout where it is due."""
        settings = self.settings.settings_of(rollout.model)
        if not settings.rollout.embedded_per_hour:
            return
        with snapshot(self.engine) as connection:
            look = newest_look(connection, rollout.id)
            if look is None:
                return
            end = look.end
            n_of_arm = count_arms(connection, rollout.id, end - COMPARED_TIME, end)
            stored = comparison_of(connection, rollout.id)
            subject = subject_of(connection, rollout, plan_of(rollout))
        last = self.compared_hours.get(rollout.id) or (None if stored is None else stored.hour)
        if last == look.hour or (
            last is not None and rollout.is_open and look.hour - last < COMPARED_EVERY
        ):
            return
        if min(n_of_arm.get(arm, 0) for arm in ("canary", "stable")) < MIN_COMPARED:
            return
        self.compared_hours[rollout.id] = look.hour
        self._run(compare_arms, subject, settings, look.hour, now)

    def _starting_point(self, subject: Subject, settings: Settings) -> StartingPoint:
        """Return the starting point of a rollout, and fix it before its first look."""
        with snapshot(self.engine) as connection:
            point = stored_starting_point(connection, subject.rollout_id)
        if point is not None:
            return point
        relevance = None
        if settings.rollout.embedded_per_hour:
            relevance = self._run(learn_relevance, subject, settings)
        with transaction(self.engine) as connection:
            return fix_starting_point(connection, subject, settings, relevance)

    def _run(self, task: Callable[..., Any], subject: Subject, *arguments: Any) -> Any:
        """Return the result of a task that needs vectors; ``None`` where it fails."""
        if self.runner is None:
            return None
        try:
            return self.runner.run(task, subject, *arguments, limit=MAX_EMBEDDING_TIME)
        except (ChildProcessFailedError, ModelError) as error:  # its check is then missing
            log.warning(
                "rollout_not_embedded",
                rollout=subject.rollout_id,
                task=task.__name__,
                error=loggable(error),
            )
            return None
        finally:
            self.runner.rest()


def subject_of(connection: Connection, rollout: RolloutRow, plan: RolloutPlan) -> Subject:
    """Return a rollout as the measurement reads it."""
    return Subject(
        rollout_id=rollout.id,
        model=rollout.model,
        stable=version_by_id(connection, rollout.stable_version_id).version,
        canary=rollout.version,
        started_at=rollout.started_at,
        stage=rollout.stage,
        n_stages=len(plan.stages),
        percent=plan.stages[rollout.stage],
        weight_percent=rollout.weight_percent,
        stage_started_at=rollout.stage_started_at,
        min_dwell=plan.time_of(rollout.stage),
        max_hold=plan.max_hold,
    )
