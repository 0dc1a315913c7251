"""Built-in metrics by name, and metrics of packages."""

from pathlib import Path

import pytest

from monitor.errors import ConfigurationError, MetricError
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics import catalogue
from retrain.evaluation.metrics.catalogue import check_metric_name, load_metrics, metric_names
from retrain.evaluation.metrics.metric import PerResponse, apply_metric
from tests.support.refusals import refusal

CODE = """
import numpy as np

class Politeness:
    name = "politeness"
    direction = "higher"
    kind = "binary"
    lowest = 0.0
    highest = 1.0

    def score(self, items, answers):
        return np.array([float("please" in answer) for answer in answers])

ready = Politeness()
other_name = Politeness()
other_name.name = "kindness"
no_metric = object()

endless = Politeness()
endless.highest = float("inf")
huge = Politeness()
huge.lowest, huge.highest = -1e308, 1e308

def broken():
    raise RuntimeError("no licence file")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install distributions with entry points, like an installer."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package: str, **points: str) -> None:
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(CODE)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {module}:{value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[driftwarden.metrics]", *lines, ""]))

    return install


def item() -> BenchmarkItem:
    return BenchmarkItem(id="1", messages=({"role": "user", "content": "q"},), expected="a")


@pytest.mark.parametrize("value", ["Politeness", "ready"])
def test_a_package_adds_a_metric(install, value: str) -> None:
    install(f"polite-{value.lower()}", politeness=value)
    (metric,) = load_metrics(["politeness"])
    assert apply_metric(metric, [item()] * 2, ["please do", "do"]).tolist() == [1.0, 0.0]
    assert "politeness" in metric_names()


@pytest.mark.parametrize(
    ("points", "requested", "message"),
    [
        ({"politeness": "broken"}, "politeness", "RuntimeError: no licence file"),
        ({"politeness": "absent"}, "politeness", "AttributeError"),
        ({"politeness": "no_metric"}, "politeness", "can't be loaded|is no metric"),
        ({"politeness": "endless"}, "politeness", r"range \[0, inf\]; two finite limits"),
        ({"politeness": "huge"}, "politeness", "two finite limits"),
        ({"politeness": "other_name"}, "politeness", "has the name 'kindness'"),
        ({"f1": "ready"}, "politeness", "'f1'"),
    ],
)
def test_error_of_a_metric_package_names_the_package(
    install, points, requested: str, message: str
) -> None:
    install("acme-metrics", **points)
    with pytest.raises(MetricError, match="'acme-metrics'") as raised:
        load_metrics([requested])
    assert raised.match(message)


def test_metric_name_in_two_packages_is_refused(install) -> None:
    install("acme-metrics", politeness="ready")
    install("other-metrics", politeness="ready")
    with pytest.raises(MetricError, match=r"'\w+-metrics' and '\w+-metrics' both"):
        load_metrics(["politeness"])


def test_names() -> None:
    names = [metric.name for metric in load_metrics(["rouge", "f1", "token_f1", "rouge2"])]
    assert names == ["rouge1", "rouge2", "rougeL", "token_f1"]
    # One name each is listed; that of earlier releases is read.
    assert {"token_f1", "rouge", "rougeL"} <= {*catalogue.metric_names()}
    assert "f1" not in catalogue.metric_names()
    assert (catalogue.canonical_name("f1"), catalogue.canonical_name("rouge1")) == (
        "token_f1", "rouge1",
    )  # fmt: skip
    assert [metric.name for metric in load_metrics(["rougeL"])] == ["rougeL"]
    with refusal("unknown_metric", ConfigurationError, match="'bertscor'.*'bertscore'"):
        check_metric_name("bertscor")


def test_every_alias_loads_a_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alias that isn't the name of one of the scores stands for all of them."""
    monkeypatch.setitem(catalogue._ALIASES, "overlap", "rouge")
    for alias in catalogue._ALIASES:
        assert load_metrics([alias])
    assert [metric.name for metric in load_metrics(["overlap"])] == ["rouge1", "rouge2", "rougeL"]


def test_metric_without_an_upper_limit_is_refused_with_its_scores() -> None:
    words = PerResponse("words", lambda _, text: len(text.split()), "graded", highest=float("inf"))
    with pytest.raises(MetricError, match="'words' has the range"):
        apply_metric(words, [item()], ["a b c"])
