"""Exact duplicates and contradictions among examples."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from monitor.errors import TrainingError
from retrain.data.example import Example
from retrain.data.exclusions import Exclusions

#: Maximum contradictions in an error.
QUOTED = 5

#: Reason of originals without an undisputed response; the data card counts by it.
CONTRADICTIONS = "contradictory originals"


def drop_duplicates(examples: Sequence[Example], dropped: Exclusions) -> list[Example]:
    """Drop examples whose texts equal earlier ones up to white space and Unicode form."""
    seen: set[str] = set()
    retained = []
    for example in examples:
        if example.whole_key in seen:
            dropped.add(f"duplicate in {example.source}", example)
            continue
        seen.add(example.whole_key)
        retained.append(example)
    return retained


def refuse_contradictions(examples: Sequence[Example]) -> None:
    """Refuse examples with different responses to one prompt.

    Raises:
        TrainingError: There are contradictions; the message has the first, by numbers of review
            items or else by texts.
    """
    groups = _contradicting(examples, lambda example: example.prompt_key)
    if not groups:
        return
    quoted = "; ".join(_quote(group) for group in groups[:QUOTED])
    raise TrainingError(
        f"prompts with different responses: {len(groups)}; let an adjudicator decide: {quoted}",
        code="contradictions",
    )


def drop_contradictions(examples: Sequence[Example], dropped: Exclusions) -> list[Example]:
    """Drop originals with different responses to a prompt, because the correct one is unknown."""
    out = {
        id(example)
        for group in _contradicting(examples, lambda example: example.question_key)
        for example in group
    }
    dropped.add_all(CONTRADICTIONS, [example for example in examples if id(example) in out])
    return [example for example in examples if id(example) not in out]


def _contradicting(
    examples: Sequence[Example], key: Callable[[Example], str]
) -> list[list[Example]]:
    requested: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        requested[key(example)].append(example)
    return [group for group in requested.values() if len({entry.response for entry in group}) > 1]


def _quote(group: Sequence[Example]) -> str:
    items = sorted(entry.metadata["item_id"] for entry in group if "item_id" in entry.metadata)
    if len(items) == len(group):
        return f"items {' and '.join(map(str, items))}"
    responses = dict.fromkeys(entry.response for entry in group)
    question = group[0].messages[-2]["content"]
    return f"{question[:80]!r}: " + " or ".join(repr(response[:60]) for response in responses)
