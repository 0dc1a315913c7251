"""View of a rollout: its situation in words, stages, checks, shares and history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection

from monitor.alerts.causes import runbook_url
from monitor.rendering.commands import rollout_command
from monitor.settings import Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.human_evaluation.human_evaluations import models_under_human_evaluation
from retrain.rollout.checks.decision import NOT_AS_WEIGHTED
from retrain.rollout.checks.results import CheckResult
from retrain.rollout.pages.sequence_chart import (
    SequenceChart,
    ShareChart,
    draw_sequence,
    draw_shares,
)
from retrain.rollout.plan import RolloutPlan, plan_of
from retrain.rollout.rows.comparisons import (
    ComparisonRow,
    ExamplePair,
    comparison_of,
    example_pairs,
)
from retrain.rollout.rows.looks import Look, StageSamples, count_stage_samples, spread_looks
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.situations import RolloutSituation, load_situation
from retrain.rollout.states import TRANSITIONS, Event
from retrain.rollout.wording.checks import (
    SUBJECTS,
    describe_check,
    describe_course,
    format_loss,
    pairs_left,
    result_of,
    sort_checks,
)
from retrain.rollout.wording.summary import RolloutSummary, format_wait, summarize_rollout

#: Looks that a chart shows; months of hourly looks are thinned out.
LOOKS_SHOWN = 160
#: Events and weights that are listed.
EVENTS_SHOWN = 100

#: Results of checks -> badge and label.
RESULTS = {
    "worse": ("bad", "worse"),
    "missing": ("warn", "missing"),
    "open": ("warn", "not shown yet"),
    "watched": ("", "watched"),
    "shown": ("good", "not worse"),
}


@dataclass(frozen=True)
class StageLine:
    """A stage of the plan, with what is known of it."""

    percent: int
    #: ``done``, ``current`` or ``next``.
    state: str
    #: When it began, and when its least time is over.
    began: datetime | None
    due: datetime | None
    least: timedelta
    samples: StageSamples | None
    #: What is left: time, samples.
    left: str


@dataclass(frozen=True)
class CheckLine:
    """A check with its newest figures and its chart."""

    figures: CheckResult
    subject: str
    result: str
    text: str
    margin: str
    chart: SequenceChart | None
    #: Each version, and where a lead finds its exchanges of the rollout; with those that have a
    #: value, where the traffic logs the metric.
    exchanges: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class RolloutState:
    """The state of a rollout or experiment."""

    row: RolloutRow
    situation: RolloutSituation
    summary: RolloutSummary
    #: Whether figures are withheld: a blind human evaluation of the model is open.
    is_blind: bool
    #: Address of the runbook for its situation; empty: nothing is to be done.
    runbook: str

    @property
    def version(self) -> int:
        """Id of the newest event: a form of an older page is refused."""
        last = self.situation.last_event
        return 0 if last is None else last.id

    @property
    def confirmation(self) -> str:
        """The gateway's statement about the weight."""
        row = self.situation.wanted
        if row is None or row.confirmed_at is None:
            return "not confirmed by the gateway"
        return "confirmed, not readable now" if row.error else "confirmed by the gateway"

    @property
    def end_command(self) -> str:
        """The command that ends it."""
        step = "stop" if self.row.kind == "experiment" else "revert"
        return rollout_command(step, self.row.model, self.row.kind)

    @property
    def can_advance(self) -> bool:
        """Return whether a user may advance or complete it, once its weight is confirmed."""
        in_holdback = self.row.kind == "rollout" and self.row.status == "holdback"
        return in_holdback or self.allows("advanced", "took_over")

    def allows(self, *events: Event) -> bool:
        """Return whether a user may cause an event in the rollout's status."""
        return self.row.kind == "rollout" and any(
            transition.event in events and self.row.status in transition.sources
            for transition in TRANSITIONS
        )


@dataclass(frozen=True)
class RolloutView(RolloutState):
    """A rollout or experiment with its stages, checks, shares and differing responses."""

    stages: Sequence[StageLine]
    checks: Sequence[CheckLine]
    shares: ShareChart | None
    comparison: ComparisonRow | None
    #: The strongest differences of responses to prompts that are alike; for leads.
    examples: Sequence[ExamplePair]


def load_state(
    connection: Connection, settings: Settings, rollout: RolloutRow, now: datetime
) -> RolloutState:
    """Load where a rollout stands."""
    situation = load_situation(connection, rollout, now)
    is_blind = rollout.model in models_under_human_evaluation(connection)
    summary = summarize_rollout(situation, _plan(rollout))
    return RolloutState(rollout, situation, summary, is_blind, _runbook(situation, settings))


def load_view(
    connection: Connection, settings: Settings, rollout: RolloutRow, now: datetime
) -> RolloutView:
    """Load what belongs to a rollout."""
    state = load_state(connection, settings, rollout, now)
    plan = _plan(rollout)
    looks = spread_looks(connection, rollout.id, LOOKS_SHOWN)
    samples = count_stage_samples(connection, rollout.id)
    comparison = comparison_of(connection, rollout.id)
    examples: Sequence[ExamplePair] = ()
    if comparison is not None and not state.is_blind:
        examples = example_pairs(connection, comparison)
    return RolloutView(
        row=rollout,
        situation=state.situation,
        summary=state.summary,
        is_blind=state.is_blind,
        runbook=state.runbook,
        stages=[] if plan is None else _stages(state.situation, plan, samples),
        checks=_checks(looks, settings, state.situation),
        shares=draw_shares(looks, state.situation.weights),
        comparison=comparison,
        examples=examples,
    )


def _runbook(situation: RolloutSituation, settings: Settings) -> str:
    """Return the address of the runbook for what is wrong, the most urgent first."""
    rollout, wanted, look = situation.rollout, situation.wanted, situation.look
    reasons = () if look is None else look.reasons
    if wanted is not None and wanted.error:
        cause = "rollout_not_applied"
    elif rollout.status == "reverted" and _by_itself(situation):
        cause = "rollout_reverted"
    elif rollout.is_open and any(reason.code in NOT_AS_WEIGHTED for reason in reasons):
        cause = "rollout_shares_differ"
    elif rollout.status == "holding":
        cause = "rollout_holding"
    else:
        return ""
    return runbook_url(settings.alerts.model_copy(update={"public_url": ""}), cause)


def _by_itself(situation: RolloutSituation) -> bool:
    """Return whether a check, not a user, reverted it."""
    event = situation.last("reverted")
    return event is not None and event.by == SYSTEM


def _plan(rollout: RolloutRow) -> RolloutPlan | None:
    """Return the plan of a rollout; an experiment has none."""
    return plan_of(rollout) if rollout.kind == "rollout" else None


def as_json(view: RolloutView) -> dict[str, Any]:
    """Return a rollout for programs."""
    row, situation, summary = view.row, view.situation, view.summary
    look = situation.look
    return {
        "id": row.id,
        "kind": row.kind,
        "model": row.model,
        "version": row.version,
        "stable_version": situation.stable,
        "status": row.status,
        "asks": summary.asks,
        "state": summary.state,
        "next": summary.next,
        "warnings": list(summary.warnings),
        "missing": list(summary.missing),
        "not_compared": list(summary.not_compared),
        "due": summary.due,
        "stage": row.stage,
        "stages": [line.percent for line in view.stages],
        "weight_percent": row.weight_percent,
        "weight_confirmed": situation.is_confirmed,
        "seen_share": None if look is None else look.seen_share,
        "looked_until": None if look is None else look.end,
        "checks": []
        if view.is_blind
        else [
            {
                "name": line.figures.name,
                "kind": line.figures.kind,
                "result": line.result,
                "loss": line.figures.loss,
                "lower": line.figures.lower,
                "upper": line.figures.upper,
                "margin": line.figures.margin,
                "n_pairs": line.figures.n_pairs,
                "text": line.text,
            }
            for line in view.checks
        ],
        "events": [
            {
                "event": event.event,
                "to_status": event.to_status,
                "weight_percent": event.weight_percent,
                "by": event.by,
                "at": event.at,
                "reason": event.reason,
            }
            for event in situation.events[-EVENTS_SHOWN:]
        ],
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def _stages(
    situation: RolloutSituation, plan: RolloutPlan, samples: dict[int, StageSamples]
) -> list[StageLine]:
    """Return the stages; those that a user has skipped have no begin."""
    rollout = situation.rollout
    began = {row.canary_percent: row.confirmed_at for row in situation.weights if row.confirmed_at}
    lines = []
    for stage in range(len(plan.stages)):
        percent = plan.weight(stage)
        state = "done" if stage < rollout.stage else "next"
        if stage == rollout.stage:
            state = "current" if rollout.is_open else "done"
        elif not rollout.is_open and stage > rollout.stage:
            state = "done" if rollout.status == "completed" else "next"
        due = None
        if state == "current" and began.get(percent) is not None:
            due = rollout.stage_started_at + plan.time_of(stage)
        lines.append(
            StageLine(
                percent=percent,
                state=state,
                began=began.get(percent),
                due=due,
                least=plan.time_of(stage),
                samples=samples.get(stage),
                left=_left(situation, due) if state == "current" else "",
            )
        )
    return lines


def _left(situation: RolloutSituation, due: datetime | None) -> str:
    """Return the time and the samples that a stage lacks."""
    look, now = situation.look, situation.now
    if due is None:
        return "its time begins when the gateway has confirmed the weight"
    parts = [f"{format_wait(due - now)} of its time left" if due > now else "its time is over"]
    if situation.is_waited and look is not None and look.stage == situation.rollout.stage:
        open_checks = [check for check in look.checks if result_of(check) == "open"]
        left = [pairs_left(check) for check in open_checks]
        known = [pairs for pairs in left if pairs is not None]
        if known and len(known) == len(left):
            parts.append(f"about {max(known):,} more pairs of users for the slowest check")
        elif open_checks:
            parts.append("how many more samples are needed is not known yet")
    return "; ".join(parts)


def _checks(
    looks: Sequence[Look], settings: Settings, situation: RolloutSituation
) -> list[CheckLine]:
    if not looks:
        return []
    is_waited = situation.is_waited
    lines = []
    for check in sort_checks(looks[-1].checks):
        chart = draw_sequence(looks, check.name, settings.drift.units.get(check.name, ""))
        reading = chart and describe_course(
            check, chart.hours, is_waited=is_waited, is_open=situation.rollout.is_open
        )
        lines.append(
            CheckLine(
                figures=check,
                subject=SUBJECTS.get(check.name, ""),
                result=_result(check, is_waited=is_waited),
                text=reading or describe_check(check, is_waited=is_waited),
                margin=format_loss(check, check.margin),
                chart=chart,
                exchanges=_exchanges(check, looks, settings, situation),
            )
        )
    return lines


def _exchanges(
    check: CheckResult, looks: Sequence[Look], settings: Settings, situation: RolloutSituation
) -> tuple[tuple[int, str], ...]:
    """Return where the exchanges of both versions are found, on the days of the looks."""
    drift = settings.drift
    logged = {name: name for name in (*drift.higher_is_better, *drift.lower_is_better)}
    logged["latency"] = settings.rollout.latency_field
    query = {
        "model": situation.rollout.model,
        "metric": logged.get(check.name, ""),
        "since": f"{looks[0].hour:%Y-%m-%d}",
        "until": f"{looks[-1].hour:%Y-%m-%d}",
    }
    versions = (situation.rollout.version, situation.stable)
    return tuple(
        (version, f"/exchanges?{urlencode({'version': version, **query})}")
        for version in versions
        if version is not None
    )


def _result(check: CheckResult, *, is_waited: bool) -> str:
    """Return a check's result; in the holdback and after the end, none is waited for."""
    result = result_of(check)
    return "watched" if result == "open" and not is_waited else result
