"""Results as snapshots of Evidently: figures, tests, and a workspace that its UI shows."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import httpx
import numpy as np
import pytest

from bench.services.requirement import free_port
from monitor.drift import DriftResult, compare
from monitor.errors import InputError
from monitor.store.windows.assessment import Assessment
from monitor.windows.report.evidently_snapshot import evidently_metrics, to_evidently
from tests.services.browser import chromium
from tests.support.refusals import refusal
from tests.support.windows.assessments import (
    HOSTILE,
    estimated,
    make_assessment,
    make_family,
    make_numeric_column,
    make_slow,
    make_topic,
)

#: Evidently's UI imports warn of deprecations that only it can fix.
pytestmark = pytest.mark.filterwarnings("ignore")


def drifted(**values: Any) -> Assessment:
    return make_assessment(
        **{
            "verdict": "drift",
            "alarm": True,
            "input": make_family(
                verdict="drift",
                alarm=True,
                p_value=0.0002,
                drifted_share=estimated(0.12),
                topics=(make_topic(),),
            ),
            "numeric_columns": (make_numeric_column(degraded=True),),
        }
        | values
    )


def by_name(snapshot: Any) -> dict[tuple[str, str], float]:
    """Return the values of a snapshot by what they are of and their names."""
    return {
        (metric["config"]["of"], metric["config"]["figure"]): metric["value"]
        for metric in snapshot.dict()["metrics"]
    }


def statuses(snapshot: Any) -> dict[str, str]:
    """Return the outcomes of the tests by what they are of."""
    return {test.metric_config.params["of"]: test.status.value for test in snapshot.tests_results}


def load_run(workspace: Any, project: Any, run: Any) -> Any:
    from evidently.core.report import Snapshot

    return Snapshot.load_model(workspace.get_run(project.id, run))


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    from evidently.ui.workspace import Workspace

    return Workspace.create(str(tmp_path / "workspace"))


def two_windows(n: int, *, new: int = 0) -> DriftResult:
    rng = np.random.default_rng(0)
    topic = 3 * rng.normal(size=16)
    reference, current = rng.normal(size=(2, n, 16))
    current[:new] = topic + 0.3 * rng.normal(size=(new, 16))
    sides = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (reference, current)]
    return compare(*sides, rng=np.random.default_rng(1))


def test_a_stored_snapshot_has_the_figures_of_the_result(workspace: Any) -> None:
    result = two_windows(200, new=40)
    assert result.verdict == "drift"
    project = workspace.create_project("support desk")
    run = workspace.add_run(project.id, to_evidently(result, name="week 12", tags=["eu"]))

    stored = load_run(workspace, project, run.id)

    lower, upper = result.drifted_share_interval
    assert by_name(stored) == {
        ("window", "exchanges"): 200,
        ("window", "reference exchanges"): 200,
        ("window", "alarm"): 1.0,
        ("prompts", "p-value"): result.p_value,
        ("prompts", "drifted share"): result.drifted_share,
        ("prompts", "drifted share, lower"): lower,
        ("prompts", "drifted share, upper"): upper,
        ("prompts", "topics"): len(result.clusters),
    }
    assert statuses(stored) == {"window": "FAIL"}
    assert stored.get_name() == "week 12"


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda: two_windows(120), "SUCCESS"),
        (lambda: two_windows(3), "WARNING"),
        (make_assessment, "SUCCESS"),
        (lambda: make_assessment(verdict="not_enough_data", alarm=False), "WARNING"),
        (drifted, "FAIL"),
    ],
)
def test_the_test_of_the_window_is_its_verdict(
    make: Callable[[], DriftResult | Assessment], status: str
) -> None:
    snapshot = to_evidently(make())

    assert statuses(snapshot)["window"] == status
    assert (("window", "alarm") in by_name(snapshot)) == (status != "WARNING")


def test_each_family_and_metric_has_its_own_test() -> None:
    assessment = drifted(
        output=make_family("output", slow=make_slow()),
        numeric_columns=(
            make_numeric_column(degraded=True),
            make_numeric_column(name="rating", degraded=False),
            make_numeric_column(name="length", side="prompt", direction=0, degraded=False),
        ),
    )

    assert statuses(to_evidently(assessment)) == {
        "window": "FAIL",
        "prompts": "FAIL",
        "responses": "FAIL",  # slow drift alarms too
        "metric: resolved": "FAIL",
        "metric: rating": "SUCCESS",
    }


def test_untested_family_has_no_figure() -> None:
    untested = make_family(
        "output", verdict="not_enough_data", untested_reason="no_responses", p_value=float("nan")
    )
    column = make_numeric_column(reference_mean=float("nan"))

    snapshot = to_evidently(drifted(output=untested, numeric_columns=(column,)))

    assert not {name for name in by_name(snapshot) if name[0] == "responses"}
    assert ("metric: resolved", "reference mean") not in by_name(snapshot)
    json.loads(snapshot.dumps(), parse_constant=refuse)


def refuse(constant: str) -> NoReturn:
    raise AssertionError(constant)


def test_no_text_and_no_markup_is_in_a_snapshot() -> None:
    columns = tuple(
        make_numeric_column(name=name) for name in (HOSTILE, HOSTILE + "!", "a" * 70, "a" * 71)
    )
    snapshot = to_evidently(drifted(headline="crypto drifted", numeric_columns=columns))

    for text in ("crypto", "wallet", "<script>", "evil.example"):
        assert text not in snapshot.dumps()
    assert "<script>alert" not in snapshot.get_html_str(as_iframe=False)
    means = [value for (_, name), value in by_name(snapshot).items() if name == "mean"]
    assert len(means) == 4  # names that are alike are told apart


def test_a_series_of_snapshots_is_one_line_of_a_dashboard(workspace: Any) -> None:
    """A site's snapshots have local times without a zone; a mixture of both can't be sorted."""
    from evidently import Report
    from evidently.metrics import RowCount
    from pandas import DataFrame

    project = workspace.create_project("support desk")
    for day in (2, 9):
        moment = datetime(2026, 11, day, tzinfo=UTC)
        workspace.add_run(project.id, to_evidently(two_windows(120), timestamp=moment))
    workspace.add_run(project.id, Report([RowCount()]).run(DataFrame({"a": [1]})))

    runs = [load_run(workspace, project, run) for run in workspace.list_runs(project.id)]
    series = {metric for run in runs for metric in run.metric_results}

    assert len(series) == len(evidently_metrics(two_windows(120))) + 1
    assert {run._timestamp.tzinfo for run in runs} == {None}


def test_other_result_type_is_refused() -> None:
    with refusal("no_result", InputError):
        to_evidently({"verdict": "drift"})


def test_figures_are_reported_with_metrics_of_evidently() -> None:
    from evidently import Report
    from evidently.metrics import RowCount
    from pandas import DataFrame

    result = two_windows(120)
    snapshot = Report([*evidently_metrics(result), RowCount()]).run(DataFrame({"length": [3, 4]}))

    values = [metric["value"] for metric in snapshot.dict()["metrics"]]
    assert values[0] == 120
    assert values[-1] == 2


@pytest.mark.drill
@pytest.mark.browser
def test_the_ui_shows_a_workspace_without_driftwarden(workspace: Any, tmp_path: Path) -> None:
    project = workspace.create_project("support desk")
    workspace.add_run(project.id, to_evidently(drifted(), name="week 12"))
    port = free_port()
    # Evidently alone: a module that is there in name only cannot be imported.
    (tmp_path / "monitor.py").write_text("raise ImportError\n")
    evidently = Path(sys.executable).with_name("evidently")
    command = [evidently, "ui", "--workspace", str(tmp_path / "workspace")]
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"], "DO_NOT_TRACK": "1"},
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/version", server)
        with chromium() as browser:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/projects/{project.id}/reports")
            page.get_by_role("link", name="View").first.click()
            page.get_by_text("Drifted shares with their 95% intervals").wait_for()
            assert page.get_by_text("window: exchanges").is_visible()
    finally:
        server.terminate()
        server.wait(30)


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail("the UI of Evidently did not start")
