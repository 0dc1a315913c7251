"""Own descriptors of exchanges, compared as metrics with unit and direction."""

from typing import Any

import numpy as np
import pytest

from driftwarden import OwnDescriptor, compare_exchanges
from monitor.errors import InputError
from monitor.rendering.numbers import format_means
from monitor.store.windows.assessment import NumericAssessment
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.refusals import refusal

pytestmark = pytest.mark.slow

CONFIG: dict[str, Any] = {"drift": {"n_permutations": 199}}


def side(*, n_sources: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"Where is parcel {row % 9}?",
            "response": f"At the office {row % 7}." + "[1]" * (n_sources + row % 3),
            "user": f"user {row}",
            "metadata": {"judge": 4.0 + n_sources / 2 + row % 3 / 10},
        }
        for row in range(120)
    ]


def compare(*descriptors: OwnDescriptor, config: dict[str, Any] = CONFIG) -> Any:
    return compare_exchanges(
        side(n_sources=3),
        side(n_sources=1),
        encoder=lambda texts: np.asarray(WordEncoder().encode(list(texts))),
        config=config,
        descriptors=descriptors,
    )


def metric(result: Any, name: str) -> NumericAssessment:
    return next(column for column in result.numeric_columns if column.name == name)


def count_sources(text: str) -> int:
    return text.count("[1]")


def test_a_descriptor_of_responses_degrades_in_its_direction() -> None:
    sources = OwnDescriptor(name="sources", function=count_sources, unit="links", better="higher")
    result = compare(sources)
    column = metric(result, "sources")
    assert (column.reference_mean, column.current_mean) == pytest.approx((4.0, 2.0))
    assert (column.degraded, format_means(column)) == (True, "from 4 to 2 links")
    assert "`sources` fell by 50% (from 4 to 2 links)" in result.headline


@pytest.mark.parametrize(("better", "degraded"), [(None, False), ("lower", False)])
def test_a_fall_without_harm_does_not_degrade(better: Any, degraded: bool) -> None:
    result = compare(OwnDescriptor(name="sources", function=count_sources, better=better))
    assert metric(result, "sources").degraded == degraded


def test_a_descriptor_of_an_exchange_gets_all_of_it() -> None:
    def share(exchange: dict[str, Any]) -> float | None:
        assert exchange["prompt"].startswith("Where")
        known = exchange["user"] != "user 0"
        return exchange["metadata"]["judge"] / 10 if known else None

    column = metric(compare(OwnDescriptor(name="share", function=share, of="exchange")), "share")
    assert (column.n_reference, column.n_current) == (119, 119)
    assert column.reference_mean > column.current_mean


def test_a_judge_of_the_metadata_has_unit_and_direction() -> None:
    drift = {"n_permutations": 199, "higher_is_better": ["judge"], "units": {"judge": "of 5"}}
    column = metric(compare(config={"drift": drift}), "judge")
    assert (column.degraded, format_means(column)) == (True, "from 5.6 to 4.6 of 5")


def fail(text: str) -> float:
    raise KeyError(text)


@pytest.mark.parametrize(
    ("descriptors", "code"),
    [
        ([OwnDescriptor(name="a", function=fail)], "descriptor_failed"),
        ([OwnDescriptor(name="a", function=str.strip)], "descriptor_failed"),
        ([OwnDescriptor(name="judge", function=len)], "descriptor_name"),
        ([OwnDescriptor(name="a", function=len)] * 2, "descriptor_name"),
        ([OwnDescriptor(name="", function=len)], "descriptor_name"),
    ],
)
def test_a_descriptor_that_fails_is_refused(descriptors: list[OwnDescriptor], code: str) -> None:
    with refusal(code, InputError):
        compare(*descriptors)
