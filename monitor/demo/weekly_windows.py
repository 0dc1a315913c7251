"""The demo's weeks: production answers, the log is read, the week is evaluated."""

from datetime import timedelta

from monitor.daemon.follow_up import follow_up
from monitor.demo.expectations import WeekOutcome
from monitor.demo.production import AnsweringModel, is_right, serve, write_log
from monitor.demo.request_generator import FIRST_WEEK, Request
from monitor.demo.workspace import Workspace
from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id


def answer(
    stage: Workspace, model: AnsweringModel, requests: list[Request], name: str, seed: int
) -> float:
    """Let the model answer and write the log; return the share that is right.

    The share is what only the world knows: driftwarden is never told.
    """
    done = 0
    with stage.narrator.step(f"{name}: the model answers", len(requests)) as step:

        def advance(n: int) -> None:
            nonlocal done
            done += n
            step.update(done)

        log = serve(model, stage.settings.model.name, requests, seed=seed, progress=advance)
    write_log(stage.folder / f"{name}.jsonl", log)
    right = sum(
        is_right(line["response"], request) for line, request in zip(log, requests, strict=True)
    )
    return right / len(requests)


def set_baseline(stage: Workspace, name: str) -> int:
    """Import a log as what is normal; return the number of exchanges."""
    from monitor.traffic.baseline_import import import_baseline
    from monitor.traffic.redaction import build_redactor

    with stage.narrator.step(f"{name}: embed and import"):
        imported = import_baseline(
            stage.engine,
            stage.settings.traffic,
            stage.encoder,
            stage.folder / f"{name}.jsonl",
            model=stage.settings.model.name,
            redactor=build_redactor(stage.settings.redaction),
            now=FIRST_WEEK,
        )
    return imported.n_exchanges


def observe(stage: Workspace, name: str) -> None:
    """Bring a log through the path that Kafka's records take."""
    from monitor.traffic.file_replay import replay_file

    with stage.narrator.step(f"{name}: sample, decode, redact, embed, store"):
        replay_file(stage.engine, stage.settings, stage.encoder, stage.folder / f"{name}.jsonl")


def evaluate_week(stage: Workspace, number: int) -> tuple[DriftEvaluationRow, WeekOutcome]:
    """Evaluate a week as the daemon does on the following Monday, with what follows from it."""
    from monitor.windows.evaluation import evaluate_window

    start = FIRST_WEEK + timedelta(weeks=number - 1)
    end = start + timedelta(weeks=1)
    with stage.narrator.step(f"week-{number}: evaluate against the baseline"):
        evaluation_id = evaluate_window(stage.engine, stage.settings, start, end, end)
        follow_up(stage.engine, stage.settings, end)
    if evaluation_id is None:
        raise WorkflowError(f"week {number} was evaluated before")
    with transaction(stage.engine) as connection:
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
    """Return the assessment of a done evaluation."""
    if evaluation.assessment is None:
        raise WorkflowError(f"evaluation {evaluation.id} is {evaluation.status}")
    return evaluation.assessment
