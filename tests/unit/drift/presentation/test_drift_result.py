"""Results of arrays in a notebook: text, documents, frames, figures."""

import json
import math
import pickle
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.drift import DriftResult, compare
from monitor.drift.presentation.frame import COLUMNS

N = 300


def points(n: int, *, new: int = 0) -> NDArray[np.float64]:
    """Draw vectors of a topic, the first ones of a new one."""
    rng = np.random.default_rng(n + new)
    drawn = rng.normal(size=(n, 8))
    drawn[:new] += 6.0
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


REFERENCE, CURRENT = points(N), points(N + 1, new=80)


@pytest.fixture(scope="module")
def drift() -> DriftResult:
    return compare(REFERENCE, CURRENT, n_permutations=199, alpha=0.05)


@pytest.fixture(scope="module")
def untested() -> DriftResult:
    return compare(REFERENCE[:5], CURRENT[:1])


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_p_is_undefined_where_nothing_was_tested(untested: DriftResult) -> None:
    assert untested.verdict == "not_enough_data"
    assert math.isnan(untested.p_value)
    assert untested.to_dict()["p_value"] is None
    assert "nan" not in f"{untested} {untested!r}".lower()


def test_the_repr_is_short_and_quotes_no_array(drift: DriftResult, untested: DriftResult) -> None:
    for result in (drift, untested):
        assert len(repr(result)) < 600
        assert result.verdict in repr(result)
    assert max(len(repr(cluster)) for cluster in drift.clusters) < 300
    assert "array" not in repr(drift) + repr(drift.clusters)


def test_the_document_is_json_of_every_figure(drift: DriftResult) -> None:
    text = json.dumps(drift.to_dict(), allow_nan=False)
    read = json.loads(text, parse_constant=refuse)
    assert (read["verdict"], read["p_value"]) == ("drift", drift.p_value)
    assert read["novelty"] == drift.novelty.tolist()
    assert read["clusters"][0]["members"] == drift.clusters[0].members.tolist()
    assert len(read["tests"]) == len(drift.tests)


def test_the_frame_has_a_row_for_each_finding(drift: DriftResult, untested: DriftResult) -> None:
    frame = drift.to_frame()
    assert tuple(frame.columns) == COLUMNS
    assert list(frame.kind.value_counts().sort_index().items()) == [
        ("cluster", len(drift.clusters)),
        ("drifted_share", 1),
        ("moved_share", 1),
        ("test", len(drift.tests)),
    ]
    share = frame.iloc[0]
    assert (share.verdict, share.estimate, share.p_value) == (
        "drift",
        drift.drifted_share,
        drift.p_value,
    )
    alone = untested.to_frame()
    assert len(alone) == 1
    assert alone.p_value.isna().all()
    assert (alone.dtypes == frame.dtypes).all()


@pytest.mark.slow
def test_the_figure_shows_shares_and_with_vectors_a_map(drift: DriftResult) -> None:
    (share,) = (trace for trace in drift.plot().data if trace.error_x.array is not None)
    lower, upper = drift.drifted_share_interval
    assert share.x[0] - share.error_x.arrayminus[0] == pytest.approx(lower)
    assert share.x[0] + share.error_x.array[0] == pytest.approx(upper)
    drawn = drift.plot(REFERENCE.tolist(), CURRENT)
    on_map = [trace for trace in drawn.data if trace.type == "scattergl"]
    assert sum(len(trace.x) for trace in on_map) == 2 * N + 1
    assert len(on_map) == 2 + len(drift.clusters)


def test_a_map_needs_the_vectors_that_were_compared(drift: DriftResult) -> None:
    for vectors in ((REFERENCE, None), (CURRENT, REFERENCE)):
        with pytest.raises(ValueError, match=r"plot\(\)"):
            drift.plot(*vectors)


@pytest.mark.parametrize(("name", "method"), [("pandas", "to_frame"), ("plotly", "plot")])
def test_a_missing_library_is_named(
    drift: DriftResult, monkeypatch: pytest.MonkeyPatch, name: str, method: str
) -> None:
    for module in [*sys.modules, name]:
        if module.partition(".")[0] == name:
            monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {name},.*driftwarden\[notebook\]"):
        getattr(drift, method)()


def test_a_result_can_be_pickled(drift: DriftResult) -> None:
    copy: Any = pickle.loads(pickle.dumps(drift))
    assert copy.to_dict() == drift.to_dict()
