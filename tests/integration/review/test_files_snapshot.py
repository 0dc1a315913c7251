"""Snapshots of what imports and exports of reviews say about their files."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from syrupy.assertion import SnapshotAssertion

from monitor.errors import InputError
from monitor.review.export.export_files import ExportRequest, build_export
from monitor.review.imports import import_reviews, read_label_studio, read_reviewer_map
from monitor.review.imports.submission import ImportRefusedError
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from tests.support.review.gold_items import ACCEPT, FIVE, correct, make_reviewed_world

REJECT = ReviewInput(verdict="reject", error_kind="unsafe", answerable="yes", **FIVE)
SCORES = [
    {"from_name": name, "type": "rating", "value": {"rating": 4}}
    for name in ("accuracy", "completeness", "tone", "compliance")
]


def choice(name: str, value: str) -> dict[str, Any]:
    return {"from_name": name, "type": "choices", "value": {"choices": [value]}}


def annotation(user: Any, verdict: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"completed_by": user, "result": [choice("verdict", verdict), *SCORES, *more]}


def test_refused_import_snapshot(
    engine: Engine, tmp_path: Path, clock: datetime, snapshot: SnapshotAssertion
) -> None:
    world = make_reviewed_world(engine, tmp_path, clock, [], n=8)
    request = ExportRequest(
        format="label-studio", out=Path("queue"), queue=True, item_filter=ItemFilter()
    )
    with transaction(world.engine) as connection:
        tasks = json.loads(build_export(connection, Settings(), request).text)
    error = [choice("error_kind", "knowledge"), choice("answerable", "yes")]
    for task, wrong in zip(
        tasks,
        [
            annotation("eve@example.com", "accept"),
            annotation(None, "accept"),
            annotation("Ben", "maybe"),
            annotation("Ben", "correct", *error),
            {"completed_by": "Ben", "result": []},
            "no object",
        ],
        strict=False,
    ):
        task["annotations"] = [wrong]
    tasks.append({"data": {"text": "hello"}, "annotations": [annotation("Ada", "accept")]})
    tasks.append({"data": {"text": "hello"}})
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    parsed = read_label_studio(path)
    with pytest.raises(ImportRefusedError) as refused, transaction(world.engine) as connection:
        import_reviews(connection, parsed, {}, clock, redact=str)
    assert {problem.code for problem in refused.value.problems} >= {
        "incomplete", "invalid_value", "no_annotations", "no_annotator", "no_correction",
        "no_item", "unknown_reviewer",
    }  # fmt: skip
    assert str(refused.value) == snapshot


def test_unusable_files_snapshot(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    messages = []
    for content in (None, "{", "[{oops}]", "[1]"):
        path = tmp_path / "reviews.json"
        if content is not None:
            path.write_text(content)
        with pytest.raises(InputError) as refused:
            read_label_studio(path)
        messages.append(str(refused.value))
    path.write_text('{"ada": 1}')
    with pytest.raises(InputError) as refused:
        read_reviewer_map(path)
    messages.append(str(refused.value))
    assert "\n".join(messages).replace(str(tmp_path), "FOLDER") == snapshot


def test_export_remarks_snapshot(
    engine: Engine, tmp_path: Path, clock: datetime, snapshot: SnapshotAssertion
) -> None:
    cases = [("card_lost", "Where is my card?", "No idea."), ("fees", "Why 1.75%?", "Our fee.")]
    reviews = [ACCEPT, correct("Block it."), correct("Call us."), REJECT]
    world = make_reviewed_world(engine, tmp_path, clock, reviews, n=8, cases=cases)
    with transaction(world.engine) as connection:
        export = build_export(
            connection, Settings(), ExportRequest(format="sft", out=None, item_filter=ItemFilter())
        )
    assert "\n".join(export.remarks) == snapshot
