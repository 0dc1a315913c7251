"""The published JSON Schema of an assessment, checked against real documents."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment
from monitor.windows.findings.findings import uncompared_findings
from tests.support.windows.assess import assess_window, build_of
from tests.support.windows.assessments import (
    huge,
    make_assessment,
    not_enough_data,
)

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "assessment.schema.json"
# Two windows are compared first.
pytestmark = pytest.mark.slow

START = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def written(assessment: Assessment) -> Any:
    return json.loads(msgspec.json.encode(assessment), parse_constant=refuse)


def window(n: int, seed: int, *, new: int = 0, changed: int = 0) -> Exchanges:
    """Make a week with some new prompts and some changed responses."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, 3, n)
    topic[:new] = 3
    response = topic + 4
    response[n - changed :] = 9
    order = rng.permutation(n)
    topic, response = topic[order], response[order]
    points = rng.normal(0, 0.15, (2, n, 12))
    points[0, np.arange(n), topic] += 1.0
    points[1, np.arange(n), response] += 1.0
    points /= np.linalg.norm(points, axis=2, keepdims=True)
    names = ("card", "loan", "balance", "crypto wallet")
    return Exchanges(
        prompts=[f"about my {names[index]}, number {row}" for row, index in enumerate(topic)],
        responses=["Nothing." if index == 9 else f"Answer {index}." for index in response],
        end_users=[f"user {row // 2}" if row % 3 else "" for row in range(n)],
        task_types=[names[index] for index in topic],
        occurred_at=[START + row * timedelta(days=7) / n for row in range(n)],
        attributes=[{"rating": float(rating), "same": 1} for rating in rng.random(n)],
        prompt_vectors=points[0],
        response_vectors=points[1],
    )


@pytest.fixture(scope="module")
def real() -> Assessment:
    sides = window(600, 1), window(500, 2, new=60, changed=60)
    drift, bounds = Drift(n_permutations=999), (START, START + timedelta(days=7))
    first = assess_window(*sides, drift=drift, seed=3, bounds=bounds).assessment
    return assess_window(*sides, drift=drift, seed=3, bounds=bounds, earlier=(first,)).assessment


def test_assessment_of_a_real_window_is_valid(
    real: Assessment, validator: jsonschema.Draft202012Validator
) -> None:
    assert real.input.topics
    assert real.output.topics
    assert real.input.topics[0].growth
    assert real.input.topics[0].known_since == real.input.topics[0].first_seen
    assert real.output.topics[0].examples[0].baseline is not None
    assert real.input.tests[0].effect_lower is not None
    validator.validate(written(real))
    assert msgspec.json.decode(msgspec.json.encode(real), type=Assessment) == real


@pytest.mark.parametrize("assessment", [make_assessment(), not_enough_data(), huge()])
def test_other_assessments_are_valid(
    assessment: Assessment, validator: jsonschema.Draft202012Validator
) -> None:
    validator.validate(written(assessment))


def test_window_without_a_baseline_is_valid(
    validator: jsonschema.Draft202012Validator,
) -> None:
    current = window(20, 1)
    findings = uncompared_findings(current, "No baseline.", "no_baseline", n_reference=0)
    result = build_of(findings, current, drift=Drift(), seed=1)
    validator.validate(written(result.assessment))
    assert result.assessment.basis is None


def test_schema_has_every_field(
    real: Assessment, validator: jsonschema.Draft202012Validator
) -> None:
    """A field missing in the schema would be valid but undocumented."""
    closed = json.loads(json.dumps(validator.schema))
    for struct in (closed, *closed["$defs"].values()):
        struct["additionalProperties"] = False
    jsonschema.Draft202012Validator(closed).validate(written(real))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("verdict",), "maybe"),
        (("input", "p_value"), "none"),
        (("input", "topics", 0, "first_seen"), 17),
        (("numeric_columns", 0, "direction"), 0.5),
    ],
)
def test_wrong_values_are_refused(
    real: Assessment, validator: jsonschema.Draft202012Validator, path: tuple, value: object
) -> None:
    document = written(real)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not validator.is_valid(document)


def test_a_family_that_was_not_tested_has_no_share(
    validator: jsonschema.Draft202012Validator,
) -> None:
    document = written(not_enough_data())
    for family in ("input", "output"):
        assert document[family]["drifted_share"] is None
    assert msgspec.convert(document, Assessment).output.changed_share == 0.0
    validator.validate(document)
