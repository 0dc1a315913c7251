"""Sizes of a comparison: how many exchanges of each side are comparable."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from monitor.rendering.wording import describe_comparable_sizes
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import SPACE, Exchanges
from monitor.windows.exchanges.text import describe
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from tests.support.windows.assess import assess_window
from tests.support.windows.assessments import make_assessment
from tests.unit.windows.test_task_mix import window

DRIFT = Drift(n_permutations=99)


def side(n: int, seed: int) -> Exchanges:
    return replace(window(["cards"] * n, seed), end_users=[f"user {row}" for row in range(n)])


def test_sizes_are_left_out_where_all_are_comparable() -> None:
    assessment = assess_window(side(150, 1), side(120, 2), drift=DRIFT, seed=3).assessment
    assert (assessment.n_comparable_reference, assessment.n_comparable_current) == (None, None)
    assert describe_comparable_sizes(assessment) == ""
    assert describe_comparable_sizes(assessment) == ""


def test_surplus_of_a_large_user_is_not_comparable() -> None:
    current = side(200, 2)
    current = replace(current, end_users=["whale"] * 80 + list(current.end_users[80:]))
    assessment = assess_window(side(300, 1), current, drift=DRIFT, seed=3).assessment
    assert (assessment.n_reference, assessment.n_current) == (300, 200)
    assert assessment.n_comparable_reference == 300
    assert assessment.n_comparable_current is not None
    assert 120 < assessment.n_comparable_current < 200
    sizes = (f"{assessment.n_comparable_current:,}", "300")
    assert describe_comparable_sizes(assessment).split(" comparable ")[1].split(" and ") == list(
        sizes
    )


@pytest.mark.slow
def test_thinning_to_one_rate_leaves_fewer_comparable() -> None:
    n = 400
    rng = np.random.default_rng(5)
    current = replace(
        window(["cards", "fees"] * (n // 2), 2),
        end_users=[f"user {row}" for row in range(n)],
        inclusion_probability=np.tile([1.0, 0.5], n // 2),
        randomness=(rng.random(n) * SPACE).astype(np.int64),
        threshold=np.zeros(n, dtype=np.int64),
    )
    reference = window(["cards", "fees"] * 300, 1)
    assessment = assess_window(reference, current, drift=DRIFT, seed=3).assessment
    assert assessment.n_comparable_current is not None
    assert assessment.n_comparable_current < n


@pytest.mark.parametrize("form", ["terminal", "page", "repr"])
def test_every_header_shows_the_comparable_sizes(form: str) -> None:
    assessment = make_assessment(n_comparable_reference=1917, n_comparable_current=417)
    if form == "terminal":
        written = StringIO()
        print_assessment(assessment, Console(file=written, width=200))
        text = written.getvalue()
    else:
        text = render_page(assessment) if form == "page" else describe(assessment)
    assert "417 and 1,917" in text
