"""Weeks of the demo: production, ingest and drift evaluation."""

from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from monitor.daemon.follow_up import follow_up
from monitor.demo.expectations import WeekOutcome
from monitor.demo.production import is_correct, serve, write_log
from monitor.demo.request_generator import DRIFTED_WEEK, FIRST_WEEK, Request
from monitor.demo.workspace import Workspace
from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id

if TYPE_CHECKING:
    from retrain.evaluation.metrics.scoring import ChatModel


def run_production(
    workspace: Workspace,
    model: "ChatModel",
    requests: list[Request],
    name: str,
    seed: int,
    *,
    other_traffic: Sequence[dict[str, Any]],
) -> float:
    """Generate the responses and write the log; return the share of correct responses.

    The share is ground truth, hidden from driftwarden. ``other_traffic`` is in the log too.
    """
    with workspace.console.step(f"{name}: generate the responses", len(requests)) as step:
        log = serve(model, workspace.model, requests, seed=seed, progress=step.advance)
    both = sorted([*log, *other_traffic], key=itemgetter("timestamp"))
    write_log(workspace.folder / f"{name}.jsonl", both)
    correct = sum(
        is_correct(line["response"], request) for line, request in zip(log, requests, strict=True)
    )
    return correct / len(requests)


def set_baseline(workspace: Workspace, name: str) -> int:
    """Import a log as the baseline of each model; return the exchanges of the demo's model."""
    from monitor.traffic.baseline_import import import_baseline
    from monitor.traffic.end_users.rules import open_rules
    from monitor.traffic.redaction import build_redactor

    with workspace.console.step(f"{name}: embed and import"):
        n_imported = {
            settings.model.name: import_baseline(
                workspace.engine,
                settings.traffic,
                lambda: workspace.encoder,
                workspace.folder / f"{name}.jsonl",
                names=settings.names,
                redactor=build_redactor(settings.redaction),
                rules=open_rules(workspace.engine, settings),
                now=FIRST_WEEK,
            ).n_exchanges
            for settings in workspace.configuration.by_model
        }
    return n_imported[workspace.model]


def observe(workspace: Workspace, name: str) -> None:
    """Ingest a log as if it came from Kafka."""
    from monitor.traffic.file_replay import replay_file

    with workspace.console.step(f"{name}: sample, decode, redact, embed, store"):
        replay_file(
            workspace.engine,
            workspace.configuration,
            workspace.encoder,
            workspace.folder / f"{name}.jsonl",
        )


def evaluate_week(workspace: Workspace, number: int) -> tuple[DriftEvaluationRow, WeekOutcome]:
    """Evaluate and follow up a week as the daemon does on the following Monday."""
    from monitor.windows.evaluation import evaluate_window

    start = FIRST_WEEK + timedelta(weeks=number - 1)
    end = start + timedelta(weeks=1)
    evaluations = {}
    with workspace.console.step(f"week-{number}: evaluate against the baselines"):
        for settings in workspace.configuration.by_model:
            # Evidently's report takes longer than all tests of so small a window.
            is_shown = number == DRIFTED_WEEK and settings.model.name == workspace.model
            evaluation_id = evaluate_window(
                workspace.engine, settings, start, end, end, evidently=is_shown
            )
            follow_up(workspace.engine, settings, end)
            if evaluation_id is None:
                raise WorkflowError(f"week {number} was evaluated earlier")
            with transaction(workspace.engine) as connection:
                evaluations[settings.model.name] = drift_evaluation_by_id(connection, evaluation_id)
    evaluation = evaluations.pop(workspace.model)
    assessment = require_assessment(evaluation)
    return evaluation, WeekOutcome(
        number=number,
        verdicts_of_others={model: row.verdict for model, row in evaluations.items()},
        alarm=assessment.alarm,
        verdict=assessment.verdict,
        input_alarm=assessment.input.alarm,
        output_tested=assessment.output.untested_reason is None,
        topic_names=tuple(topic.name for topic in assessment.input.topics),
        topic_examples=tuple(
            tuple(example.prompt for example in topic.examples) for topic in assessment.input.topics
        ),
    )


def require_assessment(evaluation: DriftEvaluationRow) -> Assessment:
    """Return the assessment of a finished evaluation."""
    if evaluation.assessment is None:
        raise WorkflowError(f"evaluation {evaluation.id} is {evaluation.status}")
    return evaluation.assessment
