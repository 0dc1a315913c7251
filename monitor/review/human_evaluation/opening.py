"""Start of a human evaluation: draws items and blinds the systems' responses."""

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
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.human_evaluation.human_evaluations import (
    human_evaluation_of_candidate,
    insert_human_evaluation,
    insert_item,
    insert_response,
)
from monitor.store.human_evaluation.keys import insert_key
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id


@dataclass(frozen=True)
class ComparableItem:
    """An item of a benchmark with each system's response."""

    benchmark: str
    item_id: str
    task_type: str
    messages: Sequence[dict[str, str]]
    #: System -> text.
    responses: Mapping[str, str]


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
    """Open the human evaluation of a candidate evaluation and return its id.

    A repeated call returns the same id. Another evaluation of the same candidate has a human
    evaluation of its own, since its responses or the systems compared differ. The plan is
    ``human_eval`` of evaluation.yaml. The rows are those of the candidate evaluation's file of
    responses: ``by``, ``benchmark``, ``id``, ``messages``, ``response`` and, for strata,
    ``task_type``. The seed draws the items. The secret, at least 32 random bytes, such as from
    ``secrets.token_bytes``, determines the order of the responses and must stay unknown to raters.

    Raises:
        InputError: There are fewer than two systems, or no item with responses of all.
        NotFoundError: There is no such candidate evaluation.
    """
    known = human_evaluation_of_candidate(connection, evaluation_id)
    if known is not None:
        return known.id
    if len(secret) < 32:
        raise InputError(
            f"secret too short: {len(secret)} bytes; a human evaluation needs at least 32"
        )
    available = items_with_all_responses(rows)
    drawn = draw(available, plan.sample_size, seed)
    version_id = candidate_evaluation_by_id(connection, evaluation_id).version_id
    values = {
        "version_id": version_id,
        "candidate_evaluation_id": evaluation_id,
        "status": "open",
        "sample_size": plan.sample_size,
        "n_available": len(available),
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
    """Return the items with a response of every system, sorted by benchmark and item.

    Raises:
        InputError: There are fewer than two systems, or no item with responses of all.
    """
    responses: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    prompts: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = (str(row["benchmark"]), str(row["id"]))
        responses[key][str(row["by"])] = str(row["response"])
        prompts[key] = row
    systems = {system for by_system in responses.values() for system in by_system}
    if len(systems) < 2:
        raise InputError(
            f"too few systems: {len(systems)}; a human evaluation compares two or more"
        )
    items = [
        ComparableItem(
            benchmark=key[0],
            item_id=key[1],
            task_type=str(prompts[key].get("task_type", "")),
            messages=[
                {"role": str(turn["role"]), "content": str(turn["content"])}
                for turn in prompts[key]["messages"]
            ],
            responses=by_system,
        )
        for key, by_system in sorted(responses.items())
        if by_system.keys() == systems
    ]
    if not items:
        raise InputError("no item has responses of all systems; evaluate them on one benchmark")
    return items


def draw(available: Sequence[ComparableItem], sample_size: int, seed: int) -> list[ComparableItem]:
    """Draw items in proportion to their task types; all of them if there are no more.

    Rounding goes to the largest remainders. Within a task type items are drawn by a hash of the
    seed and their names: an item that is added to a benchmark changes few others.
    """
    if sample_size >= len(available):
        return list(available)
    by_type: dict[str, list[ComparableItem]] = defaultdict(list)
    for item in available:
        by_type[item.task_type].append(item)
    exact = {name: sample_size * len(items) / len(available) for name, items in by_type.items()}
    counts = {name: int(share) for name, share in exact.items()}
    remainder = sample_size - sum(counts.values())
    for name in sorted(exact, key=lambda name: (counts[name] - exact[name], name))[:remainder]:
        counts[name] += 1

    def rank(item: ComparableItem) -> str:
        return hashlib.sha256(f"{seed}\n{item.benchmark}\n{item.item_id}".encode()).hexdigest()

    return [
        item for name, items in by_type.items() for item in sorted(items, key=rank)[: counts[name]]
    ]


def _insert_items(
    connection: Connection, human_evaluation_id: int, drawn: Sequence[ComparableItem], secret: bytes
) -> None:
    """Insert the items in a random order, and each item's responses in another."""
    order = sorted(
        drawn, key=lambda item: keyed_digest(secret, "item", item.benchmark, item.item_id)
    )
    for number, item in enumerate(order, start=1):
        item_id = insert_item(
            connection,
            human_evaluation_id=human_evaluation_id,
            number=number,
            benchmark=item.benchmark,
            benchmark_item_id=item.item_id,
            task_type=item.task_type,
            messages=list(item.messages),
        )
        for text, systems in _distinct(item, secret):
            insert_key(connection, insert_response(connection, item_id, text), systems)


def _distinct(item: ComparableItem, secret: bytes) -> list[tuple[str, list[str]]]:
    """Return each distinct text with its systems, in a random order, in which ids are assigned."""
    systems: dict[str, list[str]] = defaultdict(list)
    for system in sorted(item.responses):
        systems[_as_read(item.responses[system])].append(system)
    return sorted(
        sorted(systems.items()),
        key=lambda pair: keyed_digest(secret, "answer", item.benchmark, item.item_id, pair[0]),
    )


def _as_read(text: str) -> str:
    """Return a text in Unicode NFC, without surrounding white space and NUL characters."""
    return unicodedata.normalize("NFC", text.replace("\0", "")).strip()
