"""What the texts alone tell: the same example twice, and one prompt with two answers."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from monitor.errors import TrainingError
from retrain.data.example import Example
from retrain.data.exclusions import Exclusions

#: How many contradictions an error quotes.
QUOTED = 5


def drop_duplicates(examples: Sequence[Example], dropped: Exclusions) -> list[Example]:
    """Leave out examples whose texts were there before, but for space and Unicode's spellings."""
    seen: set[str] = set()
    kept = []
    for example in examples:
        if example.whole_key in seen:
            dropped.add(f"duplicate in {example.source}", example)
            continue
        seen.add(example.whole_key)
        kept.append(example)
    return kept


def refuse_contradictions(examples: Sequence[Example]) -> None:
    """Refuse examples that answer one prompt differently.

    Raises:
        TrainingError: With the first of them: by the numbers of the review items, where they have
            some, else by their texts.
    """
    groups = _contradicting(examples, lambda example: example.prompt_key)
    if not groups:
        return
    quoted = "; ".join(_quote(group) for group in groups[:QUOTED])
    raise TrainingError(
        f"{len(groups)} prompts have different answers; have an adjudicator decide: {quoted}"
    )


def drop_contradictions(examples: Sequence[Example], dropped: Exclusions) -> list[Example]:
    """Leave out originals that answer one question differently: nobody says which is right."""
    out = {
        id(example)
        for group in _contradicting(examples, lambda example: example.question_key)
        for example in group
    }
    dropped.add_all(
        "originals that contradict each other", [one for one in examples if id(one) in out]
    )
    return [one for one in examples if id(one) not in out]


def _contradicting(
    examples: Sequence[Example], key: Callable[[Example], str]
) -> list[list[Example]]:
    asked: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        asked[key(example)].append(example)
    return [group for group in asked.values() if len({one.response for one in group}) > 1]


def _quote(group: Sequence[Example]) -> str:
    items = sorted(one.metadata["item_id"] for one in group if "item_id" in one.metadata)
    if len(items) == len(group):
        return f"items {' and '.join(map(str, items))}"
    responses = dict.fromkeys(one.response for one in group)
    question = group[0].messages[-2]["content"]
    return f"{question[:80]!r}: " + " or ".join(repr(response[:60]) for response in responses)
