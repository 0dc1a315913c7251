"""Exported examples: production's template, and metadata of the origin."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.review.export.training_examples import (
    SkippedItem,
    TaxonomyVersions,
    TrainingExample,
    item_of,
    provenance,
    render,
)
from monitor.review.guidelines import load_taxonomy
from monitor.review.guidelines.versions import store_current_taxonomy, taxonomy_by_version
from monitor.settings import Review
from monitor.store.engine import transaction
from tests.support.review.gold_items import TAXONOMY, decided

REASONING = TAXONOMY.replace(
    "---\n\n#", 'style: chain_of_thought\nresponse: "{reasoning} => {answer}"\n---\n\n#', 1
)


def rendered(
    engine: Engine, folder: Path, clock: Any, item: Any, *, taxonomy: str = "", prompt: str = ""
) -> TrainingExample | SkippedItem:
    version = ""
    with transaction(engine) as connection:
        if taxonomy:
            path = folder / "taxonomy.md"
            path.write_text(taxonomy, encoding="utf-8")
            version = store_current_taxonomy(
                connection, Review(taxonomy=str(path)), "assistant", clock
            )
            assert load_taxonomy(path) == taxonomy_by_version(connection, version)
        fields = item(taxonomy_version=version)
        return render(fields, TaxonomyVersions(connection, prompt))


def test_item_is_read_back_from_its_provenance() -> None:
    assert item_of(provenance(decided(7), "model_version")) == (7, "x7")


@pytest.mark.parametrize("metadata", [{}, {"item_id": "7"}, {"item_id": None, "exchange_id": None}])
def test_metadata_of_a_file_without_an_item_has_none(metadata: dict[str, Any]) -> None:
    assert item_of(metadata) == (0, "")


def test_the_system_prompt_is_that_of_the_version(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    def item(**more: Any) -> Any:
        return decided(**more)

    outcome = rendered(engine, tmp_path, clock, item, taxonomy=TAXONOMY, prompt="of the settings")
    assert isinstance(outcome, TrainingExample)
    assert outcome.prompt == [
        {"role": "system", "content": "You answer card_lost for a bank."},
        {"role": "user", "content": "Where is my card?"},
    ]
    assert outcome.response == "Block it first."

    other = rendered(
        engine, tmp_path, clock, lambda **more: decided(task_type="new", **more), taxonomy=TAXONOMY
    )
    assert isinstance(other, TrainingExample)
    assert other.prompt[0]["content"] == "You answer new for a bank."


def test_export_without_taxonomy_uses_the_configured_system_prompt(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    for prompt in ("Use {title} and {{x}}.", '{"a": {b}}'):
        outcome = rendered(engine, tmp_path, clock, decided, prompt=prompt)
        assert isinstance(outcome, TrainingExample)
        assert {"role": "system", "content": prompt} == outcome.prompt[0]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_recorded_system_prompt_stays(
    engine: Engine, tmp_path: Path, clock: Any, role: str
) -> None:
    recorded = [
        {"role": role, "content": "As it was."},
        {"role": "user", "content": "Where is my card?"},
    ]
    outcome = rendered(
        engine,
        tmp_path,
        clock,
        lambda **more: decided(messages=recorded, **more),
        taxonomy=TAXONOMY,
    )
    assert isinstance(outcome, TrainingExample)
    assert recorded == outcome.prompt


def test_reasoning_is_written_as_production_writes_it(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    def item(**more: Any) -> Any:
        return decided(response="It is lost.\n=>\nBlock it.", **more)

    outcome = rendered(engine, tmp_path, clock, item, taxonomy=REASONING)
    assert isinstance(outcome, TrainingExample)
    assert outcome.response == "It is lost. => Block it."


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response": "Block it."}, "no_reasoning"),
        ({"response": " "}, "no_correction"),
        ({"messages": []}, "no_conversation"),
        ({"truncated": True}, "truncated"),
    ],
)
def test_unusable_item_is_skipped_with_its_reason(
    engine: Engine, tmp_path: Path, clock: Any, changes: dict[str, Any], code: str
) -> None:
    outcome = rendered(
        engine, tmp_path, clock, lambda **more: decided(**more, **changes), taxonomy=REASONING
    )
    assert isinstance(outcome, SkippedItem)
    assert code == outcome.code


def test_label_without_criteria_is_skipped_where_they_are_required(
    engine: Engine, tmp_path: Path, clock: Any
) -> None:
    criteria = TAXONOMY.replace("---\n\n#", "style: classification\n---\n\n#", 1)
    labelled = rendered(engine, tmp_path, clock, decided, taxonomy=criteria)
    assert isinstance(labelled, SkippedItem)
    assert labelled.code == "no_criteria"
    text = "Criteria: it is lost.\nLabel: card_lost"
    outcome = rendered(
        engine, tmp_path, clock, lambda **more: decided(response=text, **more), taxonomy=criteria
    )
    assert isinstance(outcome, TrainingExample)
    assert outcome.response == "Criteria:\nit is lost.\n\nLabel: card_lost"


def test_an_item_of_an_unknown_version_is_skipped(engine: Engine) -> None:
    with transaction(engine) as connection:
        outcome = render(decided(taxonomy_version="f" * 64), TaxonomyVersions(connection))
    assert isinstance(outcome, SkippedItem)
    assert (outcome.item_id, outcome.code) == (1, "unknown_version")
    assert "f" * 12 in outcome.reason


def test_provenance_names_the_version_and_no_user() -> None:
    fields = provenance(decided(), "model_version")
    assert (
        fields["model_version"],
        fields["n_reviewers"],
        fields["selection_probability"],
        fields["answerable"],
        fields["decided_at"],
    ) == ("v7", 2, 0.5, "yes", "2026-11-03T00:00:00+00:00")
    assert provenance(decided(attributes={}), "model_version")["model_version"] == ""
