"""Summaries of the demo's sections, with figures from the database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from monitor.demo.console import figures
from monitor.demo.expectations import Expectation
from monitor.demo.reports import write_reports
from monitor.demo.weekly_windows import require_assessment
from monitor.demo.workspace import Workspace, describe_log, short_path
from monitor.errors import WorkflowError
from monitor.plurals import pluralize
from monitor.rendering.excerpts import name_version
from monitor.settings import Secrets
from monitor.statistics.p_value_text import state_p_value
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.review.decisions import DecisionRow, decision_of_batch
from monitor.store.review.items import batch_of_evaluation
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    PROMPTED,
    CandidateResults,
    StratumScore,
)
from monitor.store.training.registry import VersionRow, list_versions
from monitor.store.training.runs import RunRow
from monitor.store.windows.assessment import FamilyAssessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow


def results_of(evaluation: CandidateEvaluationRow) -> CandidateResults:
    """Return the results of an evaluation that has succeeded."""
    if evaluation.results is None:
        raise WorkflowError(f"evaluation {evaluation.id} is {evaluation.status}")
    return evaluation.results


def show_acceptance(
    workspace: Workspace, version: VersionRow, evaluation: CandidateEvaluationRow
) -> dict[str, float]:
    """Show the scores of an accepted version and of the base; return exact match by system."""
    results = results_of(evaluation)
    scores = {system: _exact_match(results, system, "") for system in (CANDIDATE, BASE, PROMPTED)}
    score = scores[CANDIDATE]
    workspace.console.write(
        f"Version {version.version} is in production: exact match {score.value:.1%} on "
        f"{score.n} held-out requests (95% interval {score.lower:.1%} to {score.upper:.1%}). "
        f"The base model reaches {scores[BASE].value:.1%} with the same prompt, and "
        f"{scores[PROMPTED].value:.1%} with examples of the request's menu entry in it."
    )
    return {system: score.value for system, score in scores.items()}


def show_week(
    workspace: Workspace, evaluation: DriftEvaluationRow, accuracy: float, *, in_full: bool
) -> None:
    """Show a drift evaluation, in short or in full."""
    assessment = require_assessment(evaluation)
    truth = f"[dim]Ground truth (hidden from driftwarden): {accuracy:.0%} correct.[/dim]"
    if not in_full:
        workspace.console.write(
            f"[green]{escape(assessment.headline)}[/green]\n"
            f"Prompts: {_stated(assessment.input)}. Responses given the prompts: "
            f"{_stated(assessment.output)}. "
            f"{pluralize(assessment.n_current, 'exchange')}. {truth}"
        )
        return
    from monitor.windows.report.terminal import print_assessment

    print_assessment(assessment, workspace.console.console)
    workspace.console.write(truth)


def _stated(family: FamilyAssessment) -> str:
    return state_p_value(family.p_value, family.level)


def show_alerts(workspace: Workspace, evaluation: DriftEvaluationRow, secrets: Secrets) -> None:
    """Post the messages if a channel is configured, and show them."""
    from monitor.alerts.channels import open_channels
    from monitor.alerts.outbox import deliver_due
    from monitor.rendering.mrkdwn import render_text

    channels = open_channels(secrets, workspace.settings)
    if channels.senders:
        # The demo's clock: by today's date the messages would have expired.
        n = deliver_due(workspace.engine, channels, evaluation.window_end)
        workspace.console.write(f"{n} messages sent to {', '.join(channels.senders)}.")
    with transaction(workspace.engine) as connection:
        messages = list_messages(connection)
    for message in reversed(messages):
        title = {"post": "Slack, in the channel", "reply": "Slack, in its thread"}
        workspace.console.quote(
            render_text(message.payload["blocks"]), title=title.get(message.kind, message.kind)
        )
    if not channels.senders:
        workspace.console.write(
            "[dim]Not posted; set SLACK_BOT_TOKEN and DRIFTWARDEN_ALERTS__CHANNEL to post.[/dim]"
        )


def show_decision(workspace: Workspace, evaluation: DriftEvaluationRow) -> DecisionRow | None:
    """Decide on the review batch, and show the figures of the decision."""
    from monitor.review.decision.decisions import decide_open_batches

    decide_open_batches(workspace.engine, workspace.settings, evaluation.window_end)
    with transaction(workspace.engine) as connection:
        batch = batch_of_evaluation(connection, evaluation.id)
        decision = None if batch is None else decision_of_batch(connection, batch)
    if decision is None:
        return None
    inputs = decision.inputs
    rate, launch = inputs["rate"], inputs["baseline"]
    workspace.console.show(
        figures(
            "Error rate in the control slice",
            ("", "error rate", "95% interval", "n"),
            [
                _rate_row(f"this week ({name_version(decision.version)})", rate),
                _rate_row(f"at launch ({launch['from']})", launch),
            ],
        )
    )
    for reason in inputs["reasons"]:
        workspace.console.write(escape(reason))
    workspace.console.write(f"Decision: [bold]{decision.recommendation.replace('_', ' ')}[/bold].")
    return decision


def show_training_data(workspace: Workspace, run: RunRow) -> None:
    """Show the training data of a run."""
    from retrain.run_folder import RunFolder, read_json

    card = read_json(RunFolder(Path(run.work_dir)).card) or {}
    start = "version 1's adapter" if run.recipe.get("start_adapter") else "the base model"
    workspace.console.write(
        f"Training data: {card['n_gold']} reviewed examples and {card['n_replay'] or 'none'} of "
        f"version 1's training. Method {run.recipe['method']}, from {start}."
    )


def show_scores(
    workspace: Workspace, evaluation: CandidateEvaluationRow
) -> tuple[dict[str, float], dict[str, float]]:
    """Show exact match of the systems on the same items, and the gates' checks.

    Return exact match of version 1 and of the candidate, each by split.
    """
    results = results_of(evaluation)
    candidate = f"version {evaluation.version}"
    names = {INCUMBENT: "version 1", CANDIDATE: candidate, PROMPTED: "base with examples"}
    scores = {
        system: {split: _exact_match(results, system, f"split={split}") for split in ("new", "old")}
        for system in names
    }
    workspace.console.show(
        figures(
            "Exact match on held-out requests, 95% intervals",
            ("topics", *names.values(), "n"),
            [
                (
                    title,
                    *(_interval(scores[system][split]) for system in names),
                    str(scores[CANDIDATE][split].n),
                )
                for title, split in (("new and changed", "new"), ("old", "old"))
            ],
        )
    )
    for check in results.checks:
        figures_of_check = "" if check.outcome == "passed" else f": {check.observed}"
        workspace.console.write(escape(f"  {check.outcome:<9} {check.name}{figures_of_check}"))
    workspace.console.write(f"Gate result of {candidate}: [bold]{results.gate_result}[/bold].")
    if results.next_step:
        workspace.console.write(f"Next step, by driftwarden: {escape(results.next_step)}.")
    before, after = (
        {split: score.value for split, score in scores[system].items()}
        for system in (INCUMBENT, CANDIDATE)
    )
    return before, after


def show_registry(workspace: Workspace) -> None:
    """Show the registry."""
    with transaction(workspace.engine) as connection:
        versions = list_versions(connection, workspace.settings.model.name)
    workspace.console.show(
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


def show_summary(
    workspace: Workspace,
    evaluation: DriftEvaluationRow,
    expectations: Sequence[Expectation],
    account: str,
    password: str,
) -> None:
    """Show the expectations, the report files, and how to open the web page."""
    workspace.console.show(
        figures(
            "",
            ("expectation", "observed", "met"),
            [
                (
                    expectation.claim,
                    expectation.observed,
                    "[green]yes[/green]" if expectation.holds else "[red]NO[/red]",
                )
                for expectation in expectations
            ],
        )
    )
    reports = write_reports(workspace, evaluation, "report")
    workspace.console.write(f"Reports: {', '.join(str(short_path(report)) for report in reports)}")
    address = f"http://{workspace.settings.web.host}:{workspace.settings.web.port}"
    workspace.console.write(
        f"Web page, at {address}: sign in as [bold]{account}[/bold] with "
        f"[bold]{escape(password)}[/bold], after\n"
        f"  [bold].venv/bin/driftwarden run --only web --config "
        f"{short_path(workspace.config)}[/bold]"
    )
    workspace.console.write(describe_log(workspace.folder))
    workspace.console.write(f"[dim]{workspace.console.elapsed_seconds:.0f} seconds in total.[/dim]")


def _exact_match(results: CandidateResults, system: str, stratum: str) -> StratumScore:
    return next(
        score
        for score in results.scores_of(system)
        if score.stratum == stratum and score.metric == "exact_match"
    )


def _interval(score: StratumScore) -> str:
    return f"{score.value:.1%} ({score.lower:.1%} to {score.upper:.1%})"


def _rate_row(name: str, rate: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{rate['rate']:.1%}",
        f"{rate['lower']:.1%} to {rate['upper']:.1%}",
        f"{rate['n']:g}",
    )
