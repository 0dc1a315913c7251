"""No two exported examples contradict each other.

Examples are compared where they ask the same: equal prompts, system prompt included, but for space.

1. Equal answers are one example.
2. Where answers differ, a newer guide overrules an older one: only the examples reviewed under the
   version of the newest batch are looked at further.
3. What is left is either a choice of good answers - all were accepted as the model gave them, and
   the task type's answers are free text - of which the last one decided stands; or a contradiction:
   none of them is exported, and a person has to reopen one.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.review.export.training_examples import TrainingExample
from monitor.review.items.verdicts import normalise


@dataclass
class ConsistentExamples:
    """What may be exported together, and what can't be."""

    #: Examples of one prompt with one answer, the last decided first; in the order of the queue.
    groups: list[list[TrainingExample]] = field(default_factory=list)
    #: Items whose answer another one took the place of.
    overruled: list[int] = field(default_factory=list)
    #: Items that answer one prompt differently.
    contradictions: list[list[int]] = field(default_factory=list)


def resolve_contradictions(examples: Iterable[TrainingExample]) -> ConsistentExamples:
    """Sort examples into those that stand, those that are overruled, and contradictions."""
    by_prompt: dict[tuple[tuple[str, str], ...], list[TrainingExample]] = defaultdict(list)
    for example in examples:
        key = tuple((turn["role"], normalise(turn["content"])) for turn in example.prompt)
        by_prompt[key].append(example)
    result = ConsistentExamples()
    for asked in by_prompt.values():
        _settle(asked, result)
    return result


def _settle(asked: list[TrainingExample], result: ConsistentExamples) -> None:
    answers = _by_answer(asked)
    if len(answers) > 1:
        newest = max(asked, key=lambda one: (one.item.queued_at, one.item.batch_id))
        version = newest.item.taxonomy_version
        answers = _by_answer(one for one in asked if one.item.taxonomy_version == version)
    if len(answers) > 1:
        under_it = [one for group in answers.values() for one in group]
        if any(one.has_fixed_format or one.item.verdict != "accept" for one in under_it):
            result.contradictions.append(sorted(one.item.item_id for one in under_it))
            result.overruled += [one.item.item_id for one in asked if one not in under_it]
            return
    standing = max(answers.values(), key=lambda group: _decided(group[0]))
    result.groups.append(standing)
    result.overruled += [one.item.item_id for one in asked if one not in standing]


def _by_answer(examples: Iterable[TrainingExample]) -> dict[str, list[TrainingExample]]:
    answers: dict[str, list[TrainingExample]] = defaultdict(list)
    for one in sorted(examples, key=_decided, reverse=True):
        answers[normalise(one.response)].append(one)
    return answers


def _decided(example: TrainingExample) -> tuple[object, int]:
    return example.item.decided_at, example.item.item_id
