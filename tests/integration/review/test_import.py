"""Import of reviews from other tools: by the rules of the workflow, a whole file or nothing."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.review.export.export_files import ExportRequest, build_export
from monitor.review.imports import (
    import_reviews,
    read_argilla,
    read_label_studio,
    read_reviewer_map,
)
from monitor.review.imports.submission import ImportCounts, ImportRefusedError
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.discussion import submit_proposal
from monitor.review.items.verdicts import Judgement
from monitor.settings import Settings
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter, gold_items
from monitor.store.review.items import item_by_id
from monitor.store.review.reviews import reviews_of
from monitor.traffic.redaction import Redactor
from tests.support.refusals import refusal
from tests.support.review.gold_items import make_reviewed_world
from tests.support.review.review_world import World
from tests.support.review.roles import give_role

MAP = {"ada@example.com": "Ada", "2": "Ben"}
#: Who reviews, as Label Studio's exports name them: in full, or by id.
ADA: Any = {"id": 1, "email": "ada@example.com"}
BEN: Any = 2
SCORES = ("accuracy", "completeness", "tone", "compliance")


@pytest.fixture
def world(any_engine: Engine, tmp_path: Path, clock: datetime) -> World:
    return make_reviewed_world(any_engine, tmp_path, clock, [], n=8)


def queue(world: World, tool: str) -> list[dict[str, Any]]:
    with transaction(world.engine) as connection:
        request = ExportRequest(
            format=tool, out=Path("queue"), queue=True, item_filter=ItemFilter()
        )  # type: ignore[arg-type]
        return json.loads(build_export(connection, Settings(), request).text)


def annotation(user: Any, verdict: str, text: str = "", **changes: Any) -> dict[str, Any]:
    fields = {"verdict": verdict}
    if verdict != "accept":
        fields |= {"error_kind": "knowledge", "answerable": "yes"}
    fields |= changes.pop("choices", {})
    result = [
        {"from_name": name, "type": "choices", "value": {"choices": [value]}}
        for name, value in fields.items()
    ]
    result += [
        {"from_name": name, "type": "rating", "value": {"rating": changes.pop(name, 4)}}
        for name in SCORES
    ]
    if text:
        result.append(
            {"from_name": "corrected_response", "type": "textarea", "value": {"text": [text]}}
        )
    return {"completed_by": user, "was_cancelled": False, "result": result} | changes


def written(folder: Path, content: Any) -> Path:
    path = folder / "reviews.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def bring_in(world: World, path: Path, now: datetime, tool: str = "label-studio") -> ImportCounts:
    parsed = read_argilla(path) if tool == "argilla" else read_label_studio(path)
    with transaction(world.engine) as connection:
        return import_reviews(connection, parsed, MAP, now, redact=Redactor().redact)


def statuses(world: World, tasks: Sequence[dict[str, Any]]) -> list[str]:
    with transaction(world.engine) as connection:
        return [item_by_id(connection, task["data"]["item_id"]).status for task in tasks]


def test_imported_texts_are_redacted_once(world: World, tmp_path: Path, clock: datetime) -> None:
    tasks = queue(world, "label-studio")
    tasks[0]["annotations"] = [annotation(ADA, "correct", "Ask ada@example.com.")]
    path = written(tmp_path, tasks[:1])

    assert bring_in(world, path, clock).n_written == 1
    with transaction(world.engine) as connection:
        (review,) = reviews_of(connection, [tasks[0]["data"]["item_id"]])
    assert review.corrected_response == "Ask [EMAIL]."
    assert bring_in(world, path, clock).n_known == 1


def test_import_settles_agreed_and_disagreed_items(
    world: World, tmp_path: Path, clock: datetime
) -> None:
    tasks = queue(world, "label-studio")
    assert len(tasks) == 8
    agreed, disagreed, alone, skipped = tasks[:4]
    agreed["annotations"] = [annotation(ADA, "accept"), annotation(BEN, "accept")]
    disagreed["annotations"] = [
        annotation(ADA, "correct", "Better."), annotation(BEN, "reject"),
    ]  # fmt: skip
    alone["annotations"] = [annotation(BEN, "correct", "Better.")]
    skipped["annotations"] = [annotation(ADA, "accept", was_cancelled=True)]
    path = written(tmp_path, tasks)

    assert ImportCounts(n_written=5, n_known=0) == bring_in(world, path, clock)
    assert statuses(world, tasks[:4]) == ["gold", "disagreed", "queued", "queued"]
    # The same file again, or a later one that holds it, writes nothing twice.
    assert ImportCounts(n_written=0, n_known=5) == bring_in(world, path, clock)
    alone["annotations"].append(annotation(ADA, "correct", "Better."))
    assert ImportCounts(n_written=1, n_known=5) == bring_in(world, written(tmp_path, tasks), clock)

    with transaction(world.engine) as connection:
        gold = gold_items(connection, ItemFilter())
        assert [agreed["data"]["item_id"], alone["data"]["item_id"]] == [
            row.item_id for row in gold
        ]
        assert gold[1].response == "Better."
        assert None is check_chain(connection).broken_at
        item = disagreed["data"]["item_id"]
        same = Judgement(
            verdict="correct", error_kind="tone", answerable="yes", corrected_response="Ours."
        )
        for name in ("Ada", "Ben"):
            status = submit_proposal(connection, item, world.rows[name], same, clock)
        assert status == "gold"


def test_import_reads_argilla_responses(world: World, tmp_path: Path, clock: datetime) -> None:
    records = queue(world, "argilla")
    fields: dict[str, Any] = {"verdict": "correct", "error_kind": "tone", "answerable": "yes"}
    fields |= dict.fromkeys(SCORES, 4) | {"corrected_response": "Better."}
    records[0]["responses"] = {
        name: [{"value": value, "user_id": user} for user in ("ada@example.com", "2")]
        for name, value in fields.items()
    }
    records[1]["responses"] = {"verdict": [{"value": "accept", "user_id": "2", "status": "draft"}]}
    path = written(tmp_path, records)
    assert ImportCounts(n_written=2, n_known=0) == bring_in(world, path, clock, "argilla")
    assert ImportCounts(n_written=0, n_known=2) == bring_in(world, path, clock, "argilla")
    with transaction(world.engine) as connection:
        (gold,) = gold_items(connection, ItemFilter())
    assert (gold.response, gold.resolution, gold.n_reviewers) == ("Better.", "agreed", 2)


@pytest.mark.parametrize(
    ("wrong", "code", "value"),
    [
        (annotation("eve@example.com", "accept"), "unknown_reviewer", "'eve@example.com'"),
        (annotation(None, "accept"), "no_annotator", "(completed_by)"),
        (annotation(BEN, "accept", tone=None), "incomplete", ": tone;"),
        (annotation(BEN, "accept", accuracy=9), "invalid_value", "<= 5"),
        (annotation(BEN, "maybe"), "invalid_value", "'maybe'"),
        (annotation(BEN, "correct"), "no_correction", ""),
        (annotation(BEN, "accept", "Else."), "changed_response", ""),
        (annotation(BEN, "reject", choices={"answerable": "perhaps"}), "invalid_value", ""),
        ({"completed_by": BEN, "result": []}, "incomplete", ": verdict, accuracy"),
    ],
)
def test_invalid_reviews_are_listed_and_nothing_is_imported(
    world: World, tmp_path: Path, clock: datetime, wrong: dict[str, Any], code: str, value: str
) -> None:
    tasks = queue(world, "label-studio")
    tasks[0]["annotations"] = [annotation(ADA, "accept")]
    tasks[1]["annotations"] = [wrong]
    tasks[2]["annotations"] = [annotation(ADA, "reject"), annotation(BEN, "reject")]
    tasks[2]["data"]["exchange_id"] = "of another database"
    tasks[3] = {"data": {"text": "hello"}, "annotations": [annotation(ADA, "accept")]}
    with refusal("not_imported", ImportRefusedError) as caught:
        bring_in(world, written(tmp_path, tasks), clock)
    problems = caught.value.problems
    assert [
        ("task 2, annotation 1", code),
        ("task 3, annotation 1", "unknown_item"),
        ("task 3, annotation 2", "unknown_item"),
        ("task 4, annotation 1", "no_item"),
    ] == sorted((problem.place, problem.code) for problem in problems)
    (message,) = [problem.message for problem in problems if problem.code == code]
    assert value in message
    assert 1 + len(problems) == len(str(caught.value).splitlines())
    with transaction(world.engine) as connection:
        assert reviews_of(connection, [task["data"].get("item_id", 0) for task in tasks]) == []


def test_import_obeys_the_rules_of_the_workflow(
    world: World, tmp_path: Path, clock: datetime
) -> None:
    tasks = queue(world, "label-studio")
    with transaction(world.engine) as connection:
        taken = REVIEWS.claim_next(connection, world.users["Cleo"], clock, timedelta(minutes=20))
        REVIEWS.claim_next(connection, world.users["Lea"], clock, timedelta(minutes=20))
        give_role(connection, world.users["Ben"], "reviewer", ["fees"])
    first = next(task for task in tasks if task["data"]["item_id"] == taken)
    other = next(
        task
        for task in tasks
        if task["data"]["task_type"] not in {"fees", ""} and task is not first
    )
    first["annotations"] = [annotation(ADA, "accept")]
    other["annotations"] = [annotation(BEN, "accept")]
    with refusal("not_imported", ImportRefusedError) as caught:
        bring_in(world, written(tmp_path, tasks), clock)
    messages = {problem.code: problem.message for problem in caught.value.problems}
    assert {"no_slot", "task_type"} == set(messages)
    assert f"item {taken} " in messages["no_slot"]
    assert repr(other["data"]["task_type"]) in messages["task_type"]

    # A review never changes, whatever a later file says.
    tasks = queue(world, "label-studio")
    tasks[-1]["annotations"] = [annotation(ADA, "accept")]
    bring_in(world, written(tmp_path, tasks), clock)
    tasks[-1]["annotations"] = [annotation(ADA, "accept", tone=1)]
    with refusal("not_imported", ImportRefusedError) as caught:
        bring_in(world, written(tmp_path, tasks), clock)
    assert [problem.code for problem in caught.value.problems] == ["review_changed"]


def test_import_of_other_files_is_refused(tmp_path: Path) -> None:
    with refusal("no_file", InputError):
        read_label_studio(tmp_path / "missing.json")
    path = tmp_path / "file.json"
    for content, code in (
        ("{", "truncated"),
        ("[{oops}]", "not_json"),
        ("[1]", "not_json_array"),
    ):
        path.write_text(content)
        with refusal(code, InputError):
            read_label_studio(path)
    path.write_text('{"ada": 1}')
    with refusal("not_json_object", InputError):
        read_reviewer_map(path)
    assert read_reviewer_map(None) == {}
