"""Rollouts of the demo's last version: with a wrong server setting, then without."""

from datetime import timedelta
from pathlib import Path

from rich.markup import escape

from monitor.demo.console import figures
from monitor.demo.expectations import Expectation
from monitor.demo.live.gateway import Server, live_gateway
from monitor.demo.live.traffic import HOUR, LiveTraffic, Question, RolloutOutcome, read_questions
from monitor.demo.request_generator import DRIFTED_WEEK, FIRST_WEEK
from monitor.demo.summaries import show_registry
from monitor.demo.workspace import Workspace
from monitor.store.engine import transaction
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import CANDIDATE, INCUMBENT
from monitor.store.training.registry import version_by_id
from retrain.run_folder import RunFolder

#: A Monday morning, a week after the drifted one.
START = FIRST_WEEK + timedelta(weeks=DRIFTED_WEEK + 1, hours=9)
#: Time between the two rollouts.
REPAIR = timedelta(days=1)
#: Where the wrong limit of the server cuts a response.
CUT_AFTER = 12
REQUESTS_PER_HOUR = 300


def run_rollouts(
    workspace: Workspace, evaluation: CandidateEvaluationRow, *, seed: int
) -> list[Expectation]:
    """Roll the version out twice: its server cuts responses at first, and is then repaired."""
    console = workspace.console
    stable, canary = _numbers(workspace, evaluation)
    questions = read_questions(
        RunFolder(Path(evaluation.work_dir)).evaluation_responses(evaluation.id),
        {INCUMBENT: stable, CANDIDATE: canary},
    )
    servers = {version: _server(questions, version) for version in (stable, canary)}
    with live_gateway(workspace.folder / "gateway", workspace.model, servers) as live:
        traffic = LiveTraffic(workspace, live, questions, REQUESTS_PER_HOUR, seed)
        settings = workspace.settings.rollout
        console.section("Rollout of a version whose server is set up wrongly")
        console.write(
            f"Simulated users send {traffic.requests_per_hour} requests an hour through "
            f"{'Envoy' if live.gateway.name == 'envoy' else 'a gateway inside this process'}. "
            f"{workspace.settings.monitoring.sample_rate:.0%} are sampled; of the rollout, all of "
            "the canary's users and four times as many others are observed. The server of version "
            f"{canary} cuts responses after {CUT_AFTER} characters, which no benchmark could see."
        )
        servers[canary].max_characters = CUT_AFTER
        with console.step("hours of traffic") as step:
            wrong = traffic.roll_out(evaluation.version_id, START, step.describe)
        _show(workspace, wrong)

        console.section("Rollout of the repaired version")
        console.write(
            f"The server is repaired, and the lead starts again: stages "
            f"{', '.join(f'{percent}%' for percent in settings.stages)}, of at least "
            f"{settings.min_dwell / HOUR:.0f} hours here (the default is 48)."
        )
        servers[canary].max_characters = None
        begin = START + timedelta(hours=wrong.n_hours) + REPAIR
        with console.step("hours of traffic") as step:
            repaired = traffic.roll_out(evaluation.version_id, begin, step.describe)
        _show(workspace, repaired)
    show_registry(workspace)
    return rollout_expectations(wrong, repaired)


def rollout_expectations(wrong: RolloutOutcome, repaired: RolloutOutcome) -> list[Expectation]:
    """Compare the two rollouts with what is promised of them."""
    n_requests = sum((wrong.n_requests + repaired.n_requests).values())
    n_failed = wrong.n_failed + repaired.n_failed
    by_user = [event for event in repaired.events[1:] if event.by != "driftwarden"]
    return [
        Expectation(
            "the wrong server is reverted at 5%",
            f"{wrong.rollout.status} after {wrong.n_hours} h, at most {wrong.highest_percent}%",
            wrong.rollout.status == "reverted" and wrong.highest_percent == 5,
        ),
        Expectation(
            "the repaired version reaches 100% by itself",
            f"{repaired.rollout.status} after {repaired.n_hours} h, {len(by_user)} steps by users",
            repaired.rollout.status == "completed" and not by_user,
        ),
        Expectation("no request failed", f"{n_failed} of {n_requests + n_failed:,}", n_failed == 0),
    ]


def _numbers(workspace: Workspace, evaluation: CandidateEvaluationRow) -> tuple[int, int]:
    with transaction(workspace.engine) as connection:
        canary = version_by_id(connection, evaluation.version_id)
        if canary.parent_id is None:
            raise ValueError(f"version {canary.version} has no parent")
        return version_by_id(connection, canary.parent_id).version, canary.version


def _server(questions: list[Question], version: int) -> Server:
    return Server({question.prompt: question.responses[version] for question in questions})


def _show(workspace: Workspace, outcome: RolloutOutcome) -> None:
    rollout = outcome.rollout
    rows = [
        (
            f"{(event.at - rollout.started_at) / timedelta(hours=1):.0f} h",
            event.event.replace("_", " "),
            f"{event.weight_percent}%",
            escape(event.reason),
        )
        for event in outcome.events
        if event.event != "confirmed"
    ]
    columns = ("time", "step", "weight", "reason")
    workspace.console.show(figures(f"Rollout of version {rollout.version}", columns, rows))
    share = outcome.n_requests[rollout.version] / max(sum(outcome.n_requests.values()), 1)
    workspace.console.write(
        f"{outcome.n_requests[rollout.version]:,} of {sum(outcome.n_requests.values()):,} requests "
        f"({share:.1%}) went to version {rollout.version}."
    )
