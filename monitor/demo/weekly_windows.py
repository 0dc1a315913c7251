"""Weeks of the demo: production, ingest and drift evaluation."""

from datetime import timedelta

from monitor.daemon.follow_up import follow_up
from monitor.demo.expectations import WeekOutcome
from monitor.demo.production import ProductionModel, is_correct, serve, write_log
from monitor.demo.request_generator import FIRST_WEEK, Request
from monitor.demo.workspace import Workspace
from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id


def run_production(
    workspace: Workspace, model: ProductionModel, requests: list[Request], name: str, seed: int
) -> float:
    """Generate the responses and write the log; return the share of correct responses.

    The share is ground truth, hidden from driftwarden.
    """
    done = 0
    with workspace.console.step(f"{name}: generate the responses", len(requests)) as step:

        def advance(n: int) -> None:
            nonlocal done
            done += n
            step.update(done)

        log = serve(model, workspace.settings.model.name, requests, seed=seed, progress=advance)
    write_log(workspace.folder / f"{name}.jsonl", log)
    correct = sum(
        is_correct(line["response"], request) for line, request in zip(log, requests, strict=True)
    )
    return correct / len(requests)


def set_baseline(workspace: Workspace, name: str) -> int:
    """Import a log as the baseline; return the number of exchanges."""
    from monitor.traffic.baseline_import import import_baseline
    from monitor.traffic.redaction import build_redactor

    with workspace.console.step(f"{name}: embed and import"):
        imported = import_baseline(
            workspace.engine,
            workspace.settings.traffic,
            lambda: workspace.encoder,
            workspace.folder / f"{name}.jsonl",
            names=workspace.settings.names,
            redactor=build_redactor(workspace.settings.redaction),
            now=FIRST_WEEK,
        )
    return imported.n_exchanges


def observe(workspace: Workspace, name: str) -> None:
    """Ingest a log as if it came from Kafka."""
    from monitor.traffic.file_replay import replay_file

    with workspace.console.step(f"{name}: sample, decode, redact, embed, store"):
        replay_file(
            workspace.engine,
            workspace.settings,
            workspace.encoder,
            workspace.folder / f"{name}.jsonl",
        )


def evaluate_week(workspace: Workspace, number: int) -> tuple[DriftEvaluationRow, WeekOutcome]:
    """Evaluate a week as the daemon does on the following Monday, with the follow-up."""
    from monitor.windows.evaluation import evaluate_window

    start = FIRST_WEEK + timedelta(weeks=number - 1)
    end = start + timedelta(weeks=1)
    with workspace.console.step(f"week-{number}: evaluate against the baseline"):
        evaluation_id = evaluate_window(workspace.engine, workspace.settings, start, end, end)
        follow_up(workspace.engine, workspace.settings, end)
    if evaluation_id is None:
        raise WorkflowError(f"week {number} was evaluated earlier")
    with transaction(workspace.engine) as connection:
        evaluation = drift_evaluation_by_id(connection, evaluation_id)
    assessment = require_assessment(evaluation)
    return evaluation, WeekOutcome(
        number=number,
        alarm=assessment.alarm,
        verdict=assessment.verdict,
        input_alarm=assessment.input.alarm,
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
