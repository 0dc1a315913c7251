"""Opens a study: draws items from what the systems answered, and hides whose each answer is."""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from monitor.errors import InputError
from monitor.review.human_evaluation.blinding import keyed_digest
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.audit_log import append_entry
from monitor.store.human_evaluation.human_evaluations import (
    human_evaluation_of_candidate,
    insert_human_evaluation,
    insert_item,
    insert_response,
)
from monitor.store.human_evaluation.keys import insert_key
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id

#: Who opens studies.
SYSTEM = "driftwarden"


@dataclass(frozen=True)
class ComparableItem:
    """An item of a benchmark, with what each system answered."""

    benchmark: str
    item_id: str
    task_type: str
    messages: Sequence[dict[str, str]]
    #: System -> text.
    answers: Mapping[str, str]


def open_human_evaluation(
    connection: Connection,
    *,
    evaluation_id: int,
    plan: HumanEvaluationPlan,
    rows: Iterable[Mapping[str, Any]],
    seed: int,
    secret: bytes,
    now: datetime,
) -> int:
    """Open the study of an evaluation and return its id; where it has one, that one's.

    Another evaluation of the same candidate has another study: its answers, or what it is held
    against, are others.

    Args:
        connection: Inside the caller's transaction.
        evaluation_id: The evaluation of a candidate.
        plan: ``human_eval`` of evaluation.yaml.
        rows: What the systems answered, as an evaluation's file of answers has it: ``by``,
            ``benchmark``, ``id``, ``messages``, ``answer`` and, to stratify by, ``task_type``.
        seed: Draws the items; the same seed draws the same ones.
        secret: At least 32 random bytes, such as of ``secrets.token_bytes``; they order the
            answers, and whoever knows them knows more than a reviewer may.
        now: The time.

    Raises:
        InputError: There are fewer than two systems, or no item that all have answered.
        NotFoundError: There is no such evaluation.
    """
    known = human_evaluation_of_candidate(connection, evaluation_id)
    if known is not None:
        return known.id
    if len(secret) < 32:
        raise InputError("a study needs a secret of at least 32 bytes")
    answered = items_with_all_responses(rows)
    drawn = draw(answered, plan.sample_size, seed)
    version_id = candidate_evaluation_by_id(connection, evaluation_id).version_id
    values = {
        "version_id": version_id,
        "candidate_evaluation_id": evaluation_id,
        "status": "open",
        "sample_size": plan.sample_size,
        "n_available": len(answered),
        "raters_per_item": plan.reviewers,
        "scale_min": plan.rating_scale[0],
        "scale_max": plan.rating_scale[1],
        "dimensions": list(plan.dimensions),
        "secret": secret,
        "opened_at": now,
    }
    try:
        with connection.begin_nested():
            human_evaluation_id = insert_human_evaluation(connection, **values)
            _insert_items(connection, human_evaluation_id, drawn, secret)
    except IntegrityError:
        known = human_evaluation_of_candidate(
            connection, evaluation_id
        )  # another process was first
        if known is None:
            raise
        return known.id
    details = {
        "version": version_id,
        "evaluation": evaluation_id,
        "items": len(drawn),
        "reviewers": plan.reviewers,
    }
    append_entry(
        connection,
        now,
        SYSTEM,
        "human_evaluation_opened",
        f"human_evaluation:{human_evaluation_id}",
        details,
    )
    return human_evaluation_id


def items_with_all_responses(rows: Iterable[Mapping[str, Any]]) -> list[ComparableItem]:
    """Return the items that every system answered, in the order of their names.

    Raises:
        InputError: There are fewer than two systems, or no item that all have answered.
    """
    answers: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    asked: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        place = (str(row["benchmark"]), str(row["id"]))
        answers[place][str(row["by"])] = str(row["response"])
        asked[place] = row
    systems = {system for given in answers.values() for system in given}
    if len(systems) < 2:
        raise InputError("people can compare answers of two systems or more; there are fewer")
    found = [
        ComparableItem(
            benchmark=place[0],
            item_id=place[1],
            task_type=str(asked[place].get("task_type", "")),
            messages=[
                {"role": str(turn["role"]), "content": str(turn["content"])}
                for turn in asked[place]["messages"]
            ],
            answers=given,
        )
        for place, given in sorted(answers.items())
        if given.keys() == systems
    ]
    if not found:
        raise InputError("there is no item that all systems have answered")
    return found


def draw(answered: Sequence[ComparableItem], sample_size: int, seed: int) -> list[ComparableItem]:
    """Draw items, from each task type in proportion; all of them where there are no more.

    What is left over by rounding goes to the largest remainders. Within a type the items are drawn
    by a hash of the seed and their names: an item that is added to a benchmark changes few others.
    """
    if sample_size >= len(answered):
        return list(answered)
    by_type: dict[str, list[ComparableItem]] = defaultdict(list)
    for one in answered:
        by_type[one.task_type].append(one)
    exact = {name: sample_size * len(items) / len(answered) for name, items in by_type.items()}
    takes = {name: int(share) for name, share in exact.items()}
    left = sample_size - sum(takes.values())
    for name in sorted(exact, key=lambda name: (takes[name] - exact[name], name))[:left]:
        takes[name] += 1

    def rank(one: ComparableItem) -> str:
        return hashlib.sha256(f"{seed}\n{one.benchmark}\n{one.item_id}".encode()).hexdigest()

    return [
        one for name, items in by_type.items() for one in sorted(items, key=rank)[: takes[name]]
    ]


def _insert_items(
    connection: Connection, human_evaluation_id: int, drawn: Sequence[ComparableItem], secret: bytes
) -> None:
    """Insert the items in a random order, and each one's answers in another."""
    order = sorted(drawn, key=lambda one: keyed_digest(secret, "item", one.benchmark, one.item_id))
    for number, one in enumerate(order, start=1):
        item_id = insert_item(
            connection,
            human_evaluation_id=human_evaluation_id,
            number=number,
            benchmark=one.benchmark,
            benchmark_item_id=one.item_id,
            task_type=one.task_type,
            messages=list(one.messages),
        )
        for text, systems in _distinct(one, secret):
            insert_key(connection, insert_response(connection, item_id, text), systems)


def _distinct(one: ComparableItem, secret: bytes) -> list[tuple[str, list[str]]]:
    """Return each text once, with the systems that gave it; ids count up in a random order."""
    systems: dict[str, list[str]] = defaultdict(list)
    for system in sorted(one.answers):
        systems[_as_read(one.answers[system])].append(system)
    told = sorted(systems.items())
    return sorted(
        told, key=lambda pair: keyed_digest(secret, "answer", one.benchmark, one.item_id, pair[0])
    )


def _as_read(text: str) -> str:
    """Return a text without what no reader sees, or PostgreSQL refuses."""
    return unicodedata.normalize("NFC", text.replace("\0", "")).strip()
