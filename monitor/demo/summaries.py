"""What the demo shows of what happened: each figure is read from where the daemon keeps it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from monitor.demo.console import figures
from monitor.demo.expectations import Expectation
from monitor.demo.reports import write_reports
from monitor.demo.weekly_windows import require_assessment
from monitor.demo.workspace import Workspace
from monitor.settings import Secrets, format_duration
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import batch_of_evaluation
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    CANDIDATE,
    INCUMBENT,
    CandidateResults,
    StratumScore,
)
from monitor.store.training.registry import VersionRow, list_versions, scores_of
from monitor.store.training.runs import RunRow
from monitor.store.windows.drift_evaluations import DriftEvaluationRow


def accepted(stage: Workspace, version: VersionRow) -> str:
    """Return a sentence on the scores with which a version was accepted."""
    with transaction(stage.engine) as connection:
        scores = scores_of(connection, version.id)
    score = next(s for s in scores if s.stratum == "" and s.metric == "exact_match")
    return (
        f"Version {version.version} serves: exact match {score.value:.1%} on {score.n} held-out "
        f"requests (95% interval {score.lower:.1%} to {score.upper:.1%})."
    )


def tell_the_week(
    stage: Workspace, evaluation: DriftEvaluationRow, right: float, *, in_full: bool
) -> None:
    """Show an evaluation: one line, or all of it."""
    assessment = require_assessment(evaluation)
    world = f"[dim]Only the world knows: {right:.0%} of the answers are right.[/dim]"
    if not in_full:
        stage.narrator.say(
            f"[green]{escape(assessment.headline)}[/green]\n"
            f"input p = {assessment.input.p_value:.3f}, output given the input p = "
            f"{assessment.output.p_value:.3f}, {assessment.n_current} exchanges. {world}"
        )
        return
    from monitor.windows.report.terminal import print_assessment

    print_assessment(assessment, stage.narrator.console)
    stage.narrator.say(world)


def tell_the_engineer(stage: Workspace, evaluation: DriftEvaluationRow, secrets: Secrets) -> None:
    """Send the messages, or show them as they would read."""
    from monitor.alerts.channels.slack import make_sender
    from monitor.alerts.messages.mrkdwn import render_text
    from monitor.alerts.outbox import deliver_due

    sender = make_sender(secrets, stage.settings.alerts)
    if sender is not None:
        # The story's time: to a sender of today these messages would be long expired.
        n = deliver_due(stage.engine, sender, evaluation.window_end)
        stage.narrator.say(f"{n} messages posted to {escape(stage.settings.alerts.channel)}.")
    with transaction(stage.engine) as connection:
        messages = list_messages(connection)
    for message in reversed(messages):
        title = {"post": "Slack, in the channel", "reply": "Slack, in its thread"}
        stage.narrator.quote(
            render_text(message.payload["blocks"]), title=title.get(message.kind, message.kind)
        )
    if sender is None:
        stage.narrator.say(
            "[dim]Not posted: set SLACK_BOT_TOKEN and DRIFTWARDEN_ALERTS__CHANNEL.[/dim]"
        )


def tell_the_decision(stage: Workspace, evaluation: DriftEvaluationRow) -> DecisionRow | None:
    """Let driftwarden decide on the batch, and show with which figures."""
    from monitor.review.decision.decisions import decide_open_batches

    decide_open_batches(stage.engine, stage.settings, evaluation.window_end)
    with transaction(stage.engine) as connection:
        batch = batch_of_evaluation(connection, evaluation.id)
        decision = None if batch is None else decision_of_batch(connection, batch)
    if decision is None:
        return None
    inputs = decision.inputs
    rate, launch = inputs["rate"], inputs["baseline"]
    stage.narrator.show(
        figures(
            "Error rate, from the control slice alone",
            ("", "wrong", "95% interval", "n"),
            [_rate_row("this week", rate), _rate_row(f"at launch ({launch['from']})", launch)],
        )
    )
    for reason in inputs["reasons"]:
        stage.narrator.say(escape(reason))
    stage.narrator.say(f"Decision: [bold]{decision.recommendation.replace('_', ' ')}[/bold].")
    return decision


def tell_the_data(stage: Workspace, run: RunRow) -> None:
    """Show what a run is trained on."""
    from retrain.run_folder import RunFolder, read_json

    card = read_json(RunFolder(Path(run.work_dir)).card) or {}
    stage.narrator.say(
        f"The lead confirms. {card['n_gold']} gold examples and {card['n_replay']} replayed ones "
        f"({card['replay_share']:.0%}), digest {card['digest'][:19]}; method "
        f"{run.recipe['method']}, from version 1's adapter."
    )


def tell_before_and_after(
    stage: Workspace, evaluation: CandidateEvaluationRow
) -> tuple[dict[str, float], dict[str, float]]:
    """Show exact match before and after on the same items; return it by split."""
    results = evaluation.results
    assert results is not None  # noqa: S101 - the evaluation has succeeded
    before, after = (_by_split(results, system) for system in (INCUMBENT, CANDIDATE))
    stage.narrator.show(
        figures(
            "Exact match on held-out requests, 95% intervals",
            ("topics", "version 1", "version 2", "n"),
            [
                (name, _interval(before[split]), _interval(after[split]), str(before[split].n))
                for name, split in (("new and changed", "new"), ("old", "old"))
            ],
        )
    )
    for check in results.checks:
        stage.narrator.say(f"  {check.outcome:<9} {escape(check.name)}: {check.observed}")
    stage.narrator.say(f"Gate result: [bold]{results.gate_result}[/bold].")
    return (
        {split: score.value for split, score in before.items()},
        {split: score.value for split, score in after.items()},
    )


def tell_the_registry(stage: Workspace, evaluation: CandidateEvaluationRow) -> None:
    """Begin the rollout of a version that the gates let pass, and show the registry."""
    from datetime import UTC, datetime

    from retrain.rollout.rollouts import start_rollout

    now = datetime.now(UTC)
    with transaction(stage.engine) as connection:
        if evaluation.may_roll_out:
            start_rollout(connection, evaluation.version_id, stage.settings.rollout, now, by="lead")
        versions = list_versions(connection, stage.settings.model.name)
    stage.narrator.show(
        figures(
            "Registry",
            ("version", "stage", "adapter", "data"),
            [
                (
                    f"{version.model} {version.version}",
                    version.stage,
                    version.adapter_digest[:19],
                    str(version.lineage.get("data_digest", ""))[:19],
                )
                for version in sorted(versions, key=lambda version: version.version)
            ],
        )
    )
    steps = ", ".join(f"{percent}%" for percent in stage.settings.rollout.stages)
    stage.narrator.say(
        f"The rollout goes by {steps}, {format_duration(stage.settings.rollout.min_dwell)} each at "
        "least, and back by itself when a check fails."
    )


def summarise(
    stage: Workspace,
    evaluation: DriftEvaluationRow,
    expectations: Sequence[Expectation],
    account: str,
    password: str,
) -> None:
    """End with one table, where the report is, and how to open the page."""
    stage.narrator.show(
        figures(
            "",
            ("what the demo set out to show", "what was seen", ""),
            [
                (one.claim, one.seen, "[green]yes[/green]" if one.held else "[red]NO[/red]")
                for one in expectations
            ],
        )
    )
    reports = write_reports(stage, evaluation, "report")
    stage.narrator.say(f"Reports: {', '.join(map(str, reports))}")
    stage.narrator.say(
        f"The page: [bold].venv/bin/driftwarden run --only web --config {stage.config}[/bold], "
        f"then http://{stage.settings.web.host}:{stage.settings.web.port}, sign in as "
        f"[bold]{account}[/bold] with [bold]{escape(password)}[/bold]"
    )
    stage.narrator.say(f"[dim]{stage.narrator.elapsed_seconds:.0f} seconds in all.[/dim]")


def _by_split(results: CandidateResults, system: str) -> dict[str, StratumScore]:
    return {
        split: next(
            score
            for score in results.scores_of(system)
            if score.stratum == f"split={split}" and score.metric == "exact_match"
        )
        for split in ("new", "old")
    }


def _interval(score: StratumScore) -> str:
    return f"{score.value:.1%} ({score.lower:.1%} to {score.upper:.1%})"


def _rate_row(name: str, rate: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{rate['rate']:.1%}",
        f"{rate['lower']:.1%} to {rate['upper']:.1%}",
        f"{rate['n']:g}",
    )
