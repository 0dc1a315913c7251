"""Guidelines that switch the scores of a task type off."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Engine, func, select, update

from monitor.errors import WorkflowError
from monitor.review.decision.evidence import collect_evidence
from monitor.review.export.export_files import ExportRequest, build_export
from monitor.review.guidelines import load_taxonomy, read_taxonomy
from monitor.review.imports import import_reviews, read_argilla, read_label_studio
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.item_view import view_item
from monitor.review.items.verdicts import SCORES, ReviewInput
from monitor.settings import Review, Settings
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.items import batch_by_id
from monitor.store.review.reviews import reviews_of
from monitor.store.tables import ReviewItem
from tests.support.review.gold_items import ACCEPT, TAXONOMY
from tests.support.review.review_world import World, make_world

OFF = TAXONOMY + "\n## Scores\n\noff\n"
PLAIN = ReviewInput(verdict="accept")


def world_under(engine: Engine, clock: datetime, path: Path, text: str) -> World:
    path.write_text(text)
    world = make_world(engine, clock, n=8, review=Review(taxonomy=str(path)))
    with transaction(engine) as connection:
        connection.execute(update(ReviewItem).values(task_type="card_lost"))
    return world


def review_twice(world: World, clock: datetime, review: ReviewInput, n: int = 2) -> int:
    with transaction(world.engine) as connection:
        item = 0
        for name in ("Ada", "Ben")[:n]:
            user = world.rows[name]
            item = REVIEWS.claim_next(connection, user.id, clock, Review().lease) or 0
            REVIEWS.submit(connection, item, user, review, clock)
    return item


@pytest.mark.parametrize("review", [PLAIN, ACCEPT])
def test_review_without_scores_becomes_gold(
    review: ReviewInput, any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    world = world_under(any_engine, clock, tmp_path / "taxonomy.md", OFF)
    item = review_twice(world, clock, review)
    with transaction(any_engine) as connection:
        assert view_item(connection, item, world.rows["Lea"]).state == "gold"
        assert {row.accuracy for row in reviews_of(connection, [item])} == {None}
        batch = batch_by_id(connection, world.batch_id)
        findings = collect_evidence(connection, batch, Review())
    assert findings.evidence.agreement.n_items == 1
    assert findings.scores["accuracy"].n_items == 0


def test_review_with_scores_needs_all(engine: Engine, clock: datetime, tmp_path: Path) -> None:
    world = world_under(engine, clock, tmp_path / "taxonomy.md", TAXONOMY)
    with pytest.raises(WorkflowError) as caught:
        review_twice(world, clock, PLAIN)
    assert caught.value.code == "no_score"


def test_withdrawn_review_without_scores_is_a_draft_again(
    engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    world = world_under(engine, clock, tmp_path / "taxonomy.md", OFF)
    item = review_twice(world, clock, PLAIN, n=1)
    with transaction(engine) as connection:
        REVIEWS.withdraw(connection, item, world.rows["Ada"], now=clock, lease=Review().lease)
        draft = view_item(connection, item, world.rows["Ada"]).draft
    assert draft["verdict"] == "accept"
    assert "accuracy" not in draft


def questions_of(world: World, tool: str, folder: Path) -> tuple[list[Any], dict[str, bool]]:
    """Export the queue; return its rows, and whether each score in the form is required."""
    config = folder / "config.xml"
    with transaction(world.engine) as connection:
        request = ExportRequest(
            format=tool, out=folder, queue=True, item_filter=ItemFilter(),
            config_out=config if tool == "label-studio" else None,
        )  # fmt: skip
        made = build_export(connection, Settings(), request)
    rows = json.loads(made.text)
    if tool == "label-studio":
        ratings = ET.fromstring(made.companion_files[config]).iter("Rating")
        return rows, {rating.get("name"): rating.get("required") == "true" for rating in ratings}
    questions = json.loads(made.companion_files[folder / ".argilla/settings.json"])["questions"]
    scores = (row for row in questions if row["settings"]["type"] == "rating")
    return rows, {row["name"]: row["required"] for row in scores}


def accepted(tool: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return an exported row that Ada has accepted without scores."""
    if tool == "argilla":
        response = {"verdict": [{"value": "accept", "user_id": "Ada", "status": "submitted"}]}
        return row | {"responses": response}
    result = [{"from_name": "verdict", "type": "choices", "value": {"choices": ["accept"]}}]
    return row | {"annotations": [{"completed_by": "Ada", "result": result}]}


@pytest.mark.parametrize("tool", ["label-studio", "argilla"])
def test_tools_ask_for_no_score_that_guidelines_switch_off(
    tool: str, engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    world = world_under(engine, clock, tmp_path / "taxonomy.md", OFF)
    rows, scores = questions_of(world, tool, tmp_path)
    assert scores == {}
    path = tmp_path / "responses.json"
    path.write_text(json.dumps([accepted(tool, rows[0])]))
    parsed = (read_argilla if tool == "argilla" else read_label_studio)(path)
    with transaction(engine) as connection:
        counts = import_reviews(connection, parsed, {}, clock, redact=str)
    assert counts.n_written == 1

    with transaction(engine) as connection:
        some = select(func.max(ReviewItem.id)).scalar_subquery()
        connection.execute(update(ReviewItem).where(ReviewItem.id == some).values(task_type="fees"))
    assert questions_of(world, tool, tmp_path)[1] == dict.fromkeys(SCORES, False)
    with transaction(engine) as connection:
        connection.execute(update(ReviewItem).values(task_type="fees"))
    assert questions_of(world, tool, tmp_path)[1] == dict.fromkeys(SCORES, True)


def test_scores_of_front_matter_are_overridden_by_a_task_type(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text(TAXONOMY.replace("---\n\n", "scores: off\n---\n\n", 1))
    assert not load_taxonomy(path).task_types["card_lost"].has_scores
    path.write_text(path.read_text() + "\n## Scores\n\non\n")
    assert load_taxonomy(path).task_types["card_lost"].has_scores
    path.write_text(TAXONOMY + "\n## Scores\n\nsometimes\n")
    problems = read_taxonomy(path)[1]
    assert [problem.line for problem in problems] == [TAXONOMY.count("\n") + 2]
