"""Training data of a run, from gold, the original data, benchmarks and reviews."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from monitor.review.export import read_gold, sft_rows
from monitor.review.export.file_examples import (
    missing_parts,
    missing_system_prompts,
    render_row,
)
from monitor.review.export.replay_prompts import replay_prompts
from monitor.review.export.training_examples import item_of, without_task_types
from monitor.review.guidelines import Taxonomy, load_taxonomy
from monitor.review.guidelines.versions import taxonomy_in_force
from monitor.settings import Settings
from monitor.settings.evaluation_file import read_plan
from monitor.statistics.agreement import measure_agreement
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.reviews import reviews_of
from monitor.store.training.conversations import ItemEndUser, end_users_of_items
from monitor.traffic.files.shapes.training_rows import convert_training_row
from retrain.data import DataChecks, TrainingSet, build_training_set, read_examples
from retrain.data.exclusions import LISTED
from retrain.data.leakage.leak_check import benchmark_texts
from retrain.data.pipeline import LengthLimit
from retrain.data.rows import Row, check_turns
from retrain.data.similarity import CachingEncoder, SentenceEncoder
from retrain.evaluation.metrics.sentence_encoder import LocalSentenceEncoder
from retrain.recipes.recipe import Training


@dataclass(frozen=True)
class TrainingDataBuilder:
    """A builder of the training data of a model."""

    engine: Engine
    settings: Settings
    #: Name of the model, as the traffic has it.
    model: str
    #: The recipe, for its replay share and seed.
    recipe: Training
    #: Replay all original data, as the starting base lacks the production version's training.
    replay_all: bool = False
    #: The longest example; ``None``: the base is not known yet.
    limit: LengthLimit | None = None
    #: Examples listed per reason of exclusion.
    n_listed: int = LISTED
    #: Items of the review that are left out by their numbers.
    left_out: tuple[int, ...] = ()
    #: Whether any number of examples that leak or are too long may be left out.
    accept_untrainable: bool = False
    #: ``None``: that of the settings.
    encoder: SentenceEncoder | None = None

    def with_cache(self) -> "TrainingDataBuilder":
        """Return a builder whose copies encode each text once."""
        return replace(self, encoder=CachingEncoder(self._make_encoder()))

    def from_queue(self, batch_ids: Sequence[int] | None = None) -> TrainingSet:
        """Build the training set from the gold of some batches, or of all batches of the model.

        Contradicting items are left out and listed in the data card. See :meth:`of_rows`.
        """
        wanted = ItemFilter(batch_ids=batch_ids, model=self.model)
        with transaction(self.engine) as connection:
            gold = read_gold(connection, self.settings.model, wanted, left_out=self.left_out)
        remarks = gold.remarks()
        if self.left_out:
            remarks.append(f"left out by number: items {', '.join(map(str, self.left_out))}")
        return self.of_rows(sft_rows(gold, self.settings.model), remarks)

    def from_file(self, path: Path) -> TrainingSet:
        """Build the training set from gold of a file, in production's template.

        See :meth:`of_rows`.
        """
        return self.of_rows(self.read(path))

    def of_rows(self, gold: Sequence[Row], remarks: Sequence[str] = ()) -> TrainingSet:
        """Build the training set from gold rows and replay, checked against every benchmark.

        Without original training data the set holds the prompts of the baseline; the training
        process generates the responses to them. Gold rows are those of an export; the remarks are
        for the data card.

        Raises:
            TrainingError: The data must not be trained on; the message says what is missing.
            InputError: A configured file can't be read.
        """
        retrain = self.settings.retrain
        original = self.read(Path(retrain.training_data)) if retrain.training_data else []
        with transaction(self.engine) as connection:
            prompts = (
                []
                if original or not self.recipe.replay_share
                else replay_prompts(connection, self.settings.model, self.model)
            )
        training_set = build_training_set(
            self._with_end_users(gold),
            original,
            replay_share=self.recipe.replay_share,
            seed=self.recipe.seed,
            checks=self._checks(),
            replay_prompts=prompts,
            replay_all=self.replay_all,
            remarks=remarks,
        )
        rows = [*training_set.rows, *training_set.validation]
        lacking = [
            *missing_parts(rows, self._taxonomy),
            *missing_system_prompts(rows, self._taxonomy),
        ]
        return training_set.with_remarks(lacking).with_agreement(self._agreement(training_set))

    @cached_property
    def _taxonomy(self) -> Taxonomy:
        """The task types with their templates; without a taxonomy, the model's system prompt."""
        with transaction(self.engine) as connection:
            current = taxonomy_in_force(connection, self.settings.review, self.model).taxonomy
        place = self.settings.review.taxonomy
        if current is None and place:
            return load_taxonomy(Path(place))  # raises its problems
        return current or without_task_types(self.settings.model.system_prompt)

    def read(self, path: Path) -> list[Row]:
        """Read training examples of a file, in production's template.

        Raises:
            InputError: The file can't be read, or rows are invalid.
        """
        taxonomy = self._taxonomy

        def render(row: Any) -> Any:
            check_turns(row)
            rendered = render_row(convert_training_row(row), taxonomy)
            check_turns(rendered)
            return rendered

        return read_examples(path, render)

    def _checks(self) -> DataChecks:
        retrain = self.settings.retrain
        scoring = retrain.scoring
        place = retrain.evaluation
        rules = retrain.data
        if self.accept_untrainable:
            rules = rules.model_copy(update={"max_left_out": 1.0})
        return DataChecks(
            rules=rules,
            benchmarks=benchmark_texts(read_plan(Path(place))) if place else (),
            encoder=self.encoder or self._make_encoder(),
            encoder_name=scoring.sentence_model,
            max_new_tokens=scoring.max_new_tokens,
            limit=self.limit,
            n_listed=self.n_listed,
        )

    def _make_encoder(self) -> SentenceEncoder:
        return LocalSentenceEncoder(self.settings.retrain.scoring.sentence_model)

    def _with_end_users(self, gold: Sequence[Row]) -> list[Row]:
        """Add the grouping keys of each row's end user, where known: they decide the split."""
        known = self._known_items([item_of(row.get("metadata", {})) for row in gold])
        return [
            row | {"group_keys": self._group_keys(end_user)}
            if (end_user := known.get(item_of(row.get("metadata", {})))) is not None
            else row
            for row in gold
        ]

    def _group_keys(self, end_user: ItemEndUser) -> list[str]:
        keys = self.settings.retrain.data.group_by
        values = {key: end_user.attributes.get(key) for key in keys}
        if end_user.end_user:
            values["user"] = end_user.end_user
        return [f"{key}={value}" for key, value in values.items() if value]

    def _known_items(self, items: Sequence[tuple[int, str]]) -> dict[tuple[int, str], ItemEndUser]:
        """Return the end users of the items in this database; a file may come from another."""
        with transaction(self.engine) as connection:
            end_users = end_users_of_items(
                connection, sorted({number for number, _ in items if number})
            )
        by_item = {(user.item_id, user.exchange_id): user for user in end_users}
        return {item: by_item[item] for item in items if item in by_item}

    def _agreement(self, training_set: TrainingSet) -> dict[str, Any] | None:
        """Return the agreement of the reviewers of the gold on the verdict."""
        rows = [*training_set.rows, *training_set.validation]
        known = {
            number
            for number, _ in self._known_items([item_of(row.get("metadata", {})) for row in rows])
        }
        merged = {
            item
            for row in rows
            if item_of(row.get("metadata", {}))[0] in known
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
