"""A run's training data, from everything that the configuration names."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from monitor.review.export import read_gold, sft_rows
from monitor.review.export.replay_prompts import replay_prompts
from monitor.settings import Settings
from monitor.settings.evaluation_file import read_plan
from monitor.statistics.agreement import measure_agreement
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.reviews import reviews_of
from monitor.store.training.conversations import ItemEndUser, end_users_of_items
from retrain.data import DataChecks, TrainingSet, build_training_set, read_examples
from retrain.data.leakage.benchmark_texts import benchmark_texts
from retrain.data.rows import Row
from retrain.evaluation.metrics.sentence_encoder import LocalSentenceEncoder
from retrain.recipes.recipe import Training


@dataclass(frozen=True)
class TrainingDataBuilder:
    """Prepares the training data of a model."""

    engine: Engine
    settings: Settings
    #: The model, as the traffic names it.
    model: str
    #: Its replay share and seed.
    recipe: Training
    #: The training starts from a base that doesn't hold what serves.
    replay_all: bool = False

    def from_queue(self, batch_ids: Sequence[int] | None = None) -> TrainingSet:
        """Prepare what the experts decided; without batches, in all of the model's.

        Items that contradict each other are set aside, and named in the card. See :meth:`of_rows`.
        """
        wanted = ItemFilter(batch_ids=batch_ids, model=self.model)
        with transaction(self.engine) as connection:
            gold = read_gold(connection, self.settings.model, wanted)
        return self.of_rows(sft_rows(gold, self.settings.model), gold.remarks())

    def of_rows(self, gold: Sequence[Row], remarks: Sequence[str] = ()) -> TrainingSet:
        """Join gold with replay, and hold both against every benchmark.

        Where no original training data is named, the prompts of the baseline come with the set, and
        the child lets the model answer them: nothing is generated here.

        Args:
            gold: Rows as the export makes them.
            remarks: What a reader should know of them.

        Raises:
            TrainingError: Nothing should be trained on this; the message says what is missing.
            InputError: A file that the configuration names can't be read.
        """
        retrain = self.settings.retrain
        original = read_examples(Path(retrain.training_data)) if retrain.training_data else []
        with transaction(self.engine) as connection:
            prompts = (
                []
                if original or not self.recipe.replay_share
                else replay_prompts(connection, self.settings.model, self.model)
            )
        made = build_training_set(
            self._with_askers(gold),
            original,
            replay_share=self.recipe.replay_share,
            seed=self.recipe.seed,
            checks=self._checks(),
            replay_prompts=prompts,
            replay_all=self.replay_all,
            remarks=remarks,
        )
        return made.with_agreement(self._agreement(made))

    def _checks(self) -> DataChecks:
        retrain = self.settings.retrain
        scoring = retrain.scoring
        place = retrain.evaluation
        return DataChecks(
            rules=retrain.data,
            benchmarks=benchmark_texts(read_plan(Path(place))) if place else (),
            encoder=LocalSentenceEncoder(scoring.sentence_model),
            encoder_name=scoring.sentence_model,
            max_new_tokens=scoring.max_new_tokens,
        )

    def _with_askers(self, gold: Sequence[Row]) -> list[Row]:
        """Say beside each row who asked, where the store knows it: it decides the split."""
        known = self._known_items([_item_of(row) for row in gold])
        return [
            row | {"group_keys": self._names(asker)}
            if (asker := known.get(_item_of(row))) is not None
            else row
            for row in gold
        ]

    def _names(self, asker: ItemEndUser) -> list[str]:
        names = {key: asker.attributes.get(key) for key in self.settings.retrain.data.group_by}
        if asker.end_user:
            names["user"] = asker.end_user
        return [f"{key}={value}" for key, value in names.items() if value]

    def _known_items(self, items: Sequence[tuple[int, str]]) -> dict[tuple[int, str], ItemEndUser]:
        """Return the items that are of this database; a file may come from another one."""
        with transaction(self.engine) as connection:
            askers = end_users_of_items(
                connection, sorted({number for number, _ in items if number})
            )
        found = {(one.item_id, one.exchange_id): one for one in askers}
        return {item: found[item] for item in items if item in found}

    def _agreement(self, made: TrainingSet) -> dict[str, Any] | None:
        """Return how far the reviewers of the gold agree on the verdict."""
        rows = [*made.rows, *made.validation]
        known = {number for number, _ in self._known_items([_item_of(row) for row in rows])}
        merged = {
            item
            for row in rows
            if _item_of(row)[0] in known
            for item in row["metadata"].get("merged_items", ())
        }
        with transaction(self.engine) as connection:
            reviews = reviews_of(connection, sorted(known | merged))
        votes: dict[int, list[str]] = {}
        for review in reviews:
            votes.setdefault(review.item_id, []).append(review.verdict)
        if not votes:
            return None
        rng = np.random.default_rng(self.recipe.seed)
        return asdict(measure_agreement(list(votes.values()), rng=rng))


def _item_of(row: Row) -> tuple[int, str]:
    """Return the review item that a row comes from, as far as its metadata tell it."""
    metadata = row.get("metadata", {})
    number = metadata.get("item_id")
    return (number if isinstance(number, int) else 0), str(metadata.get("exchange_id") or "")
