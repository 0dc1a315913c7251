"""Contradictions between training examples, which are never exported together.

Examples are compared if they have the same prompt, system prompt included, except for white space.

1. Equal responses are one example.
2. If responses differ, newer guidelines override older ones: only the examples reviewed under the
   taxonomy version that came into force last are considered.
3. The remaining examples are either alternatives (all were accepted unchanged, and the task type
   has no fixed format), of which the last decided one is exported; or a contradiction: none of them
   is exported, and a lead has to reopen one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.review.export.training_examples import TrainingExample
from monitor.review.items.verdicts import normalise


@dataclass
class ConsistentExamples:
    """Examples that can be exported together, and the items of the others."""

    #: Examples with one prompt and one response, the last decided first; in the queue's order.
    groups: list[list[TrainingExample]] = field(default_factory=list)
    #: Items whose response was overridden by another one.
    overruled: list[int] = field(default_factory=list)
    #: Items with one prompt and contradicting responses.
    contradictions: list[list[int]] = field(default_factory=list)


def resolve_contradictions(examples: Iterable[TrainingExample]) -> ConsistentExamples:
    """Sort examples into consistent ones, overruled ones, and contradictions."""
    by_prompt: dict[tuple[tuple[str, str], ...], list[TrainingExample]] = defaultdict(list)
    for example in examples:
        key = tuple((turn["role"], normalise(turn["content"])) for turn in example.prompt)
        by_prompt[key].append(example)
    result = ConsistentExamples()
    for same_prompt in by_prompt.values():
        _resolve(same_prompt, result)
    return result


def _resolve(examples: list[TrainingExample], result: ConsistentExamples) -> None:
    by_response = _by_response(examples)
    if len(by_response) > 1:
        newest = max(
            examples, key=lambda example: (example.item.guidelines_since, example.item.batch_id)
        )
        version = newest.item.taxonomy_version
        by_response = _by_response(
            example for example in examples if example.item.taxonomy_version == version
        )
    if len(by_response) > 1:
        current = [example for group in by_response.values() for example in group]
        if any(example.has_fixed_format or example.item.verdict != "accept" for example in current):
            result.contradictions.append(sorted(example.item.item_id for example in current))
            result.overruled += _items_outside(current, examples)
            return
    exported = max(by_response.values(), key=lambda group: _decision_order(group[0]))
    result.groups.append(exported)
    result.overruled += _items_outside(exported, examples)


def _items_outside(group: list[TrainingExample], examples: list[TrainingExample]) -> list[int]:
    return [example.item.item_id for example in examples if example not in group]


def _by_response(examples: Iterable[TrainingExample]) -> dict[str, list[TrainingExample]]:
    by_response: dict[str, list[TrainingExample]] = defaultdict(list)
    for example in sorted(examples, key=_decision_order, reverse=True):
        by_response[normalise(example.response)].append(example)
    return by_response


def _decision_order(example: TrainingExample) -> tuple[object, int]:
    return example.item.decided_at, example.item.item_id
