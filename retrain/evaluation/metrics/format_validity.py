"""Whether an answer has the form that was asked for: JSON, a schema, a pattern, the task's form."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.output_format import learn_format, parse_json
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.metric import PerAnswer


def is_json(_: BenchmarkItem, response: str) -> float:
    """Return 1.0 where the answer is a JSON document, with or without a code fence around it."""
    return float(parse_json(response) is not msgspec.UNSET)


def fulfils_schema(item: BenchmarkItem, response: str) -> float | None:
    """Return 1.0 where the answer is JSON that fulfils the item's schema; ``None`` without one."""
    if item.json_schema is None:
        return None
    document = parse_json(response)
    if document is msgspec.UNSET:
        return 0.0
    return float(_validator(msgspec.json.encode(item.json_schema)).is_valid(document))


def matches_pattern(item: BenchmarkItem, response: str) -> float | None:
    """Return 1.0 where the whole answer matches the item's pattern; ``None`` without one."""
    if not item.pattern:
        return None
    return float(re.fullmatch(item.pattern, response.strip()) is not None)


class TaskFormat:
    """Whether an answer has the form that the expected answers of its task type have.

    The form is learned from the benchmark's own expected answers (JSON with its keys, a closed set
    of labels, or fenced code); it says nothing of task types of free text or with fewer than 50.
    """

    name = "format_valid"
    direction: Literal["higher"] = "higher"
    kind: Literal["binary"] = "binary"
    lowest = 0.0
    highest = 1.0

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return a score for each answer, ``[n]``."""
        expected: dict[str, list[str]] = {}
        for item in items:
            if item.expected is not None:
                expected.setdefault(item.task_type, []).append(item.expected)
        forms = {task_type: learn_format(told) for task_type, told in expected.items()}
        scores = np.full(len(items), np.nan)
        for row, (item, response) in enumerate(zip(items, responses, strict=True)):
            form = forms.get(item.task_type)
            if form is not None:
                scores[row] = form.admits(response)
        return scores


@cache
def _validator(schema: bytes) -> Any:
    from jsonschema.validators import validator_for  # noqa: PLC0415 - slow to import

    document = msgspec.json.decode(schema)
    return validator_for(document)(document)


JSON_VALID = PerAnswer("json_valid", is_json)
SCHEMA_VALID = PerAnswer("schema_valid", fulfils_schema)
PATTERN_VALID = PerAnswer("regex_valid", matches_pattern)
