"""Validity of a response's format: JSON, schema, pattern or the format of its task type."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.output_format import learn_format, parse_json
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.metric import PerResponse


def is_json(_: BenchmarkItem, response: str) -> float:
    """Return 1.0 if the response is a JSON document, optionally in a code fence."""
    return float(parse_json(response) is not msgspec.UNSET)


def fulfils_schema(item: BenchmarkItem, response: str) -> float | None:
    """Return 1.0 if the response matches the item's JSON schema; ``None`` without a schema."""
    if item.json_schema is None:
        return None
    document = parse_json(response)
    if document is msgspec.UNSET:
        return 0.0
    return float(_validator(msgspec.json.encode(item.json_schema)).is_valid(document))


def matches_pattern(item: BenchmarkItem, response: str) -> float | None:
    """Return 1.0 if the whole response matches the item's pattern; ``None`` without a pattern."""
    if not item.pattern:
        return None
    return float(re.fullmatch(item.pattern, response.strip()) is not None)


class TaskFormat:
    """Whether a response has the format of its task type's expected responses.

    The format is learned from the benchmark's expected responses: JSON with its keys, a closed set
    of labels, or fenced code. The metric doesn't apply to task types with free text or with fewer
    than 50 expected responses.
    """

    name = "format_valid"
    direction: Literal["higher"] = "higher"
    kind: Literal["binary"] = "binary"
    lowest = 0.0
    highest = 1.0

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return a score for each response, ``[n]``."""
        expected: dict[str, list[str]] = {}
        for item in items:
            if item.expected is not None:
                expected.setdefault(item.task_type, []).append(item.expected)
        forms = {task_type: learn_format(text) for task_type, text in expected.items()}
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


JSON_VALID = PerResponse("json_valid", is_json)
SCHEMA_VALID = PerResponse("schema_valid", fulfils_schema)
PATTERN_VALID = PerResponse("regex_valid", matches_pattern)
#: Metrics that measure a form and not what is in it.
FORMS = frozenset({JSON_VALID.name, SCHEMA_VALID.name, PATTERN_VALID.name, TaskFormat.name})
