"""Split and strata of items, which stay those of the model's last evaluation."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from monitor.plurals import pluralize
from monitor.store.training.candidate_results import ItemPlace
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.request import EvaluationRequest

#: Ids that a text names.
MAX_NAMED = 10


def places_of(benchmarks: Sequence[Benchmark]) -> tuple[ItemPlace, ...]:
    """Return where the items of benchmarks count, without copies."""
    groups: dict[tuple[str, str, tuple[tuple[str, str], ...]], dict[str, str]] = defaultdict(dict)
    for benchmark in benchmarks:
        for item in benchmark.items:
            place = (benchmark.name, item.split, tuple(sorted(item.all_strata.items())))
            groups[place][item.id] = item.content_digest
    return tuple(
        ItemPlace(name, split, dict(strata), items)
        for (name, split, strata), items in groups.items()
    )


def keep_places(
    benchmarks: Sequence[Benchmark], request: EvaluationRequest
) -> tuple[list[Benchmark], list[str]]:
    """Return the benchmarks with each known item in its former place, and what was moved.

    A known item, or a copy of it that is left out, has the content of one of the model's last
    evaluation, under whatever id and in whatever benchmark. A field that it lacked there may be
    added. With the request's reason to move items they stay where the file has them.
    """
    if request.earlier is None:
        return list(benchmarks), []
    known = _known_places(request.earlier.places)
    moved: dict[tuple[str, str], list[str]] = defaultdict(list)
    placed = []
    for benchmark in benchmarks:
        digests = defaultdict(list)
        for item_id, digest in benchmark.content_digests.items():
            digests[_counting(item_id, benchmark.copies)].append(digest)
        items = []
        for item in benchmark.items:
            keys = [(name, d) for d in digests[item.id] for name in (benchmark.name, "")]
            place = next((known[key] for key in keys if key in known), None)
            changes = _changes(item, place) if place else []
            for change in changes:
                moved[benchmark.name, change].append(item.id)
            stays = place and changes and not request.move_because
            items.append(_placed(item, place) if place and stays else item)
        placed.append(dataclasses.replace(benchmark, items=tuple(items)))
    return placed, [
        f"{name}: {pluralize(len(ids), 'item')} moved from {change} ({named(ids)})"
        for (name, change), ids in moved.items()
    ]


def named(ids: Sequence[str]) -> str:
    """Return the first ids, and how many more there are."""
    more = f" and {len(ids) - MAX_NAMED} more" if len(ids) > MAX_NAMED else ""
    return ", ".join(ids[:MAX_NAMED]) + more


def _known_places(places: Sequence[ItemPlace]) -> Mapping[tuple[str, str], ItemPlace]:
    """Return the place of each content: in a benchmark, and under "" in any."""
    known: dict[tuple[str, str], ItemPlace] = {}
    for place in places:
        for digest in place.items.values():
            known.setdefault((place.benchmark, digest), place)
            known.setdefault(("", digest), place)
    return known


def _counting(item_id: str, copies: Mapping[str, str]) -> str:
    """Return the item that counts for an item: itself, or the one that it is a copy of."""
    while item_id in copies:
        item_id = copies[item_id]
    return item_id


def _changes(item: BenchmarkItem, place: ItemPlace) -> list[str]:
    before = {"split": place.split, **place.strata}
    return [
        f"{field} {value!r} to {item.stratum_of(field)!r}"
        for field, value in before.items()
        if item.stratum_of(field) != value
    ]


def _placed(item: BenchmarkItem, place: ItemPlace) -> BenchmarkItem:
    strata = {**item.all_strata, **place.strata}
    return msgspec.structs.replace(
        item,
        split=place.split,
        task_type=strata.pop("task_type", ""),
        difficulty=strata.pop("difficulty", ""),
        strata=strata,
    )
