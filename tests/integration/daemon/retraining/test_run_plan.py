"""Plans of training runs: command, page and daemon see what the training process sees."""

import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.daemon.retraining import Retraining
from monitor.errors import TrainingError
from monitor.review.decision.decisions import confirm_retraining
from monitor.review.export import read_gold, sft_rows
from monitor.store.engine import make_engine, transaction
from monitor.store.review.decisions import decision_by_id, save_preview
from monitor.store.review.gold_export import ItemFilter
from retrain.data.exclusions import LEAKED, TOO_LONG
from retrain.data.training_set import read_card
from retrain.planning.checks.finding import raise_refusals
from retrain.planning.checks.run_checks import check_run
from retrain.planning.memory.device import this_device
from retrain.planning.preview import Preview, stored_preview
from retrain.recipes.recipe import read_recipe
from retrain.run_folder import read_lines
from tests.support.encoders.word_encoder import word_encoder  # noqa: F401 - a fixture
from tests.support.migrated_copy import migrate
from tests.support.refusals import refusal
from tests.support.retrain.desks.decision_desk import Desk, with_long_context
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401

pytestmark = [pytest.mark.language_model, pytest.mark.usefixtures("word_encoder")]
PLAN = """\
evaluation:
  benchmarks: [{name: desk, dataset: desk.jsonl, metrics: [exact_match]}]
"""


def distinct_cases(n: int) -> list[tuple[str, str, str]]:
    """Return prompts that share no more than chance."""
    rng = random.Random(7)
    words = ["".join(pair) for pair in itertools.product(("ba", "lo", "mi", "tu"), repeat=5)]
    return [(f"type {row % 4}", " ".join(rng.sample(words, 9)), "No.") for row in range(n)]


@pytest.fixture
def make_desk(
    clock: datetime,
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
) -> Iterator[Callable[[int], Desk]]:
    base = with_long_context(tiny_base, tmp_path / "base")
    engine = make_engine(f"sqlite:///{tmp_path / 'd.db'}")
    migrate(engine)
    yield lambda n: Desk(engine, clock, tmp_path, base, n=n, users=True, cases=distinct_cases(n))
    engine.dispose()


def leak(desk: Desk, n: int) -> None:
    """Make the prompts of the first gold a benchmark."""
    wanted = ItemFilter(batch_ids=[desk.world.batch_id], model="assistant")
    with transaction(desk.engine) as connection:
        gold = sft_rows(read_gold(connection, desk.settings.model, wanted), desk.settings.model)
    rows = [
        {"id": f"q{number}", "expected": "x", "messages": row["messages"][1:-1]}
        for number, row in enumerate(gold[:n])
    ]
    desk.write(desk.folder / "desk.jsonl", rows)
    (desk.folder / "evaluation.yaml").write_text(PLAN)
    desk.configure(evaluation=str(desk.folder / "evaluation.yaml"))


def long_response(item: int) -> str:
    """Return a response, a long one for the items 100 and 101."""
    return "word " * 300 if item in {100, 101} else f"answer {item}"


def preview_of(desk: Desk, decision: int) -> Preview:
    with transaction(desk.engine) as connection:
        preview = stored_preview(decision_by_id(connection, decision).preview)
    assert preview is not None
    return preview


def confirm(desk: Desk, decision: int) -> None:
    with transaction(desk.engine) as connection:
        confirm_retraining(connection, decision, desk.world.rows["Lea"], desk.now)


def shell(desk: Desk, *arguments: str) -> Result:
    """Run the command on the database of the desk, with its settings."""
    retrain = desk.settings.retrain
    values = {
        name: getattr(retrain, name)
        for name in ("recipe", "work_dir", "training_data", "evaluation")
    }
    url = desk.engine.url.render_as_string(hide_password=False)
    lines = [
        "[models.assistant]", f"system_prompt = {json.dumps(desk.settings.model.system_prompt)}",
        "[database]", f"url = {json.dumps(url)}", "[retrain]",
        *(f"{name} = {json.dumps(value)}" for name, value in values.items()),
        f"data.max_left_out = {retrain.data.max_left_out}",
    ]  # fmt: skip
    config = desk.folder / "config.toml"
    config.write_text("\n".join(lines), encoding="utf-8")
    return CliRunner().invoke(app, ["retrain", "plan", *arguments, "-c", str(config)])


def check_in_process(desk: Desk) -> None:
    """Make the checks of the training process on what was submitted to it."""
    (folder,) = desk.launcher.submitted
    rows, held = (list(read_lines(path)) for path in (folder.training_data, folder.validation_data))
    recipe = read_recipe(folder.recipe.read_bytes())
    raise_refusals(check_run(recipe, rows, this_device(), held).findings)


@pytest.mark.parametrize(
    ("n", "n_leaked", "response", "left_out"),
    [
        (133, 40, "answer {}".format, {LEAKED: 40}),
        (220, 0, long_response, {TOO_LONG: 2}),
        (133, 40, long_response, {LEAKED: 40, TOO_LONG: 2}),
    ],
    ids=["leaks", "lengths", "both"],
)
def test_plan_and_preview_show_what_the_confirmed_run_trains(
    make_desk: Callable[[int], Desk],
    n: int,
    n_leaked: int,
    response: Callable[[int], str],
    left_out: dict[str, int],
) -> None:
    desk = make_desk(n)
    desk.cook(desk.folder / "base", max_length=256)
    items = desk.gold(n, response=response)
    if n_leaked:
        leak(desk, n_leaked)
    decision = desk.decide(confirmed=False)
    desk.advance()
    preview = preview_of(desk, decision)
    assert (preview.refusal, desk.runs()) == ("", [])
    lines = [line.partition(" ")[0::2] for line in preview.left_out]
    assert {text.partition(":")[0]: int(count) for count, text in lines} == left_out
    printed = shell(desk, "--dry-run")
    assert printed.exit_code == 0, (printed.output, printed.exception)
    for line in preview.left_out:
        assert f"left out: {line}" in printed.output
    for finding in preview.findings:
        assert f"{finding.name}: {finding.outcome}: " in printed.output
    assert desk.runs() == []

    confirm(desk, decision)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]
    card = read_card(desk.launcher.submitted[0])
    assert card is not None
    n_trained = len(items) - sum(left_out.values())
    assert card.n_gold + card.n_validation >= n_trained
    assert (card.n_gold, card.n_replay) == (preview.n_gold, preview.n_replay)
    assert card.dropped == left_out
    check_in_process(desk)


def test_all_left_out_examples_are_listed_on_request(make_desk: Callable[[int], Desk]) -> None:
    desk = make_desk(133)
    desk.gold(133)
    leak(desk, 40)
    first = shell(desk, "--dry-run").output
    assert (len(re.findall(r"\(q\d+ of desk\)", first)), "--left-out 40" in first) == (20, True)
    every = shell(desk, "--dry-run", "--left-out", "40").output
    assert set(re.findall(r"\(q(\d+) of desk\)", every)) == {str(number) for number in range(40)}


def test_too_much_left_out_is_refused_everywhere(
    make_desk: Callable[[int], Desk],
) -> None:
    desk = make_desk(60)
    desk.gold(60)
    leak(desk, 40)
    decision = desk.decide(confirmed=False)
    desk.advance()
    text = preview_of(desk, decision).refusal
    assert text.startswith("40 of 60 gold examples can't be trained on")
    printed = shell(desk)
    assert isinstance(printed.exception, TrainingError)
    assert (printed.exception.code, str(printed.exception)) == ("max_left_out", text)
    with refusal("cant_start", match="40 of 60"):
        confirm(desk, decision)
    rules = desk.settings.retrain.data.model_copy(
        update={"max_left_out": 0.7, "min_per_task_type": 0}
    )
    desk.configure(data=rules)
    desk.advance()
    confirm(desk, decision)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]
    check_in_process(desk)


def test_a_refusal_of_lengths_names_the_length_that_keeps_all(
    make_desk: Callable[[int], Desk],
) -> None:
    desk = make_desk(60)
    desk.cook(desk.folder / "base", max_length=256)
    rules = desk.settings.retrain.data.model_copy(
        update={"max_left_out": 0.1, "min_per_task_type": 0}
    )
    desk.configure(data=rules)
    desk.gold(60, response=lambda item: "word " * 300 if item % 3 == 0 else f"answer {item}")
    decision = desk.decide()
    desk.advance()
    preview = preview_of(desk, decision)
    assert (preview.code, preview.n_gold, desk.runs()) == ("max_left_out", 40, [])
    assert preview.raise_to(256) == preview.longest_left_out > 300


def test_a_refused_run_starts_once_the_cause_is_mended(
    make_desk: Callable[[int], Desk],
) -> None:
    """The confirmation may come before the first check."""
    desk = make_desk(40)
    desk.cook(desk.folder / "base", max_length=32)
    desk.gold(40)
    decision = desk.decide()
    desk.advance()
    assert (desk.runs(), "max_length" in desk.refusal(decision)) == ([], True)
    desk.cook(desk.folder / "base", max_length=256)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]


def test_a_process_checks_again_after_an_hour_or_on_request(
    make_desk: Callable[[int], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(40)
    decision = desk.decide(confirmed=False)
    calls: list[Any] = []
    steps = Retraining(desk.engine, desk.settings, lambda _: desk.launcher)

    def count(*arguments: Any) -> None:
        calls.append(arguments)
        raise TrainingError("no gold")

    monkeypatch.setattr(Retraining, "_make_plan", count)
    for later, expected in (
        (timedelta(), 1), (timedelta(minutes=59), 1), (timedelta(minutes=61), 2),
        (timedelta(minutes=62), 2),
    ):  # fmt: skip
        steps.advance(desk.now + later)
        assert len(calls) == expected, later
    with transaction(desk.engine) as connection:
        save_preview(connection, decision, None)
    steps.advance(desk.now + timedelta(minutes=63))
    assert len(calls) == 3
    assert preview_of(desk, decision).refusal == "no gold"
