"""A review world with the daemon's retraining step and a fake launcher."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, update

from monitor.daemon.retraining import Retraining
from monitor.settings import Review, Settings
from monitor.store.engine import transaction
from monitor.store.review.decisions import confirm_decision, decision_by_id
from monitor.store.review.reviews import insert_gold
from monitor.store.tables import Decision, ReviewItem
from monitor.store.training.runs import RunRow, list_runs
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.recipes import write_recipe
from tests.support.retrain.tiny_model import OLD, examples
from tests.support.review.review_world import World, make_world

SYSTEM = "You are the support desk of a bank."


class Desk:
    """A review world with the daemon's retraining step and a fake launcher."""

    def __init__(
        self,
        engine: Engine,
        now: datetime,
        folder: Path,
        base: Path,
        *,
        n: int = 40,
        users: bool = False,
        cases: list[tuple[str, str, str]] | None = None,
    ) -> None:
        self.engine = engine
        self.now = now
        self.folder = folder
        self.world: World = make_world(
            engine, now, n=n, users=users, cases=cases, review=Review(weekly_budget=max(n, 100))
        )
        self.launcher = FakeLauncher()
        self.original = folder / "original.jsonl"
        self.write(self.original, examples(OLD, 60))
        self.cook(base)
        self.settings = Settings(
            model={"name": "assistant", "system_prompt": SYSTEM},
            retrain={
                "recipe": str(folder / "recipe.toml"),
                "work_dir": str(folder / "runs"),
                "training_data": str(self.original),
            },
        )

    def write(self, path: Path, rows: list[dict[str, Any]]) -> None:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def cook(self, base: Path | str, **values: Any) -> None:
        requested = {"base": str(base), "method": "lora", "rank": 4, **values}
        named = {key: value for key, value in requested.items() if value is not None}
        write_recipe(self.folder / "recipe.toml", **named)

    def configure(self, **values: Any) -> None:
        retrain = self.settings.retrain.model_copy(update=values)
        self.settings = self.settings.model_copy(update={"retrain": retrain})

    def gold(
        self, n: int, first: int = 0, response: Callable[[int], str] = "answer {}".format
    ) -> list[int]:
        """Make n items of the batch gold, from the first on."""
        with transaction(self.engine) as connection:
            items = connection.execute(
                select(ReviewItem.id).order_by(ReviewItem.position).offset(first).limit(n)
            ).scalars().all()  # fmt: skip
            assert len(items) == n
            for item in items:
                insert_gold(
                    connection, item, 1, self.now, verdict="correct", response=response(item),
                    error_kind="fix_context", resolution="agreed", cause="",
                )  # fmt: skip
            connection.execute(
                update(ReviewItem).where(ReviewItem.id.in_(items)).values(status="gold")
            )
        return list(items)

    def decide(
        self,
        recommendation: str = "retrain",
        *,
        confirmed: bool = True,
        batches: list[int] | None = None,
    ) -> int:
        with transaction(self.engine) as connection:
            decision = connection.execute(
                insert(Decision).values(
                    batch_id=self.world.batch_id, model="assistant",
                    recommendation=recommendation, decided_at=self.now,
                    inputs={"batches": batches or [self.world.batch_id]},
                ).returning(Decision.id)
            ).scalar_one()  # fmt: skip
            if confirmed:
                confirm_decision(connection, decision, "Lea", self.now)
        return int(decision)

    def advance(self) -> None:
        """Run one step of a new daemon, whose only memory is the database."""
        Retraining(self.engine, self.settings, lambda _: self.launcher).advance(self.now)

    def runs(self) -> list[RunRow]:
        with transaction(self.engine) as connection:
            return list_runs(connection)

    def refusal(self, decision: int) -> str:
        """Return why the run of a decision can't start."""
        with transaction(self.engine) as connection:
            return decision_by_id(connection, decision).refusal


def with_long_context(base: Path, target: Path) -> Path:
    """Copy a base that reads the whole conversations of the review world."""
    shutil.copytree(base, target)
    for name, key in (
        ("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length"),
    ):  # fmt: skip
        content = json.loads((target / name).read_text(encoding="utf-8"))
        (target / name).write_text(json.dumps({**content, key: 512}), encoding="utf-8")
    return target
