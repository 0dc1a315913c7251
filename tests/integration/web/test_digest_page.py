"""Digest of a year: drifted shares, incidents, numeric columns, findings below the threshold."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, event
from typer.testing import CliRunner

from monitor.cli.app import app as command
from monitor.settings import Secrets, Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.windows.claims import claim_drift_evaluation
from monitor.web.digest.sparkline import draw_sparkline, scale_of
from monitor.web.drift.window_chart import draw_windows
from monitor.web.server import BackgroundServer
from monitor.windows.history.digest import build_digest
from tests.support.migrated_copy import migrate
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.web.apps import create_app
from tests.support.windows.assessed_year import DEGRADED, DRIFTED, EMPTY, HITS, WEEKS, store_year
from tests.support.windows.assessments import (
    HOSTILE,
    estimated,
    make_assessment,
    make_family,
    make_numeric_column,
    make_slow,
    store_evaluation,
)

WEEK = timedelta(days=7)


@pytest.fixture
def year(any_engine: Engine, clock: datetime) -> Engine:
    store_year(any_engine, clock)
    return any_engine


def read(engine: Engine, **options):
    with transaction(engine) as connection:
        return build_digest(connection, "assistant", **options)


def test_a_digest_holds_a_year_oldest_first(year: Engine, clock: datetime) -> None:
    digest = read(year)
    starts = [row.start for row in digest.windows]
    assert starts == [clock - (WEEKS - week) * WEEK for week in range(WEEKS)]
    n_drift = len(DRIFTED) + len(DEGRADED)
    assert [digest.count(row) for row in ("drift", "no_drift", "not_enough_data")] == [
        n_drift,
        WEEKS - n_drift - 1,
        1,
    ]
    assert digest.summary == (
        f"52 windows: {n_drift} with drift, {WEEKS - n_drift - 1} without, 1 without enough data; "
        "2 incidents."
    )
    assert [row.start for row in read(year, n_windows=3).windows] == starts[-3:]


def test_significant_changes_without_alarm_are_listed(year: Engine) -> None:
    digest = read(year)
    subthreshold_findings = [
        (digest.windows.index(hit.window), hit.subject, hit.p_value)
        for hit in digest.subthreshold_findings
    ]
    assert subthreshold_findings == [(week, "responses", 0.003) for week in reversed(HITS)]
    assert {hit.level for hit in digest.subthreshold_findings} == {0.001}


def test_slow_drift_is_an_alarm_or_a_hit(engine: Engine, clock: datetime) -> None:
    families = (
        make_family(verdict="drift", p_value=0.004, slow=make_slow()),
        make_family(slow=make_slow(alarm=False, p_value=0.01, drifted_share=estimated(0.021))),
    )
    with transaction(engine) as connection:
        for week, family in enumerate(families):
            assessment = make_assessment(alarm=not week, input=family)
            store_evaluation(connection, assessment, start=clock + week * WEEK)
    digest = read(engine)
    (hit,) = digest.subthreshold_findings
    assert (hit.subject, hit.p_value, hit.drifted_share) == (
        "prompts over the windows",
        0.01,
        0.021,
    )
    figures = [window.figures.input for window in digest.windows]
    assert [row.alarms for row in figures] == [True, False]
    assert [row.significant_share for row in figures] == [0.021, 0.0]


def test_incidents_span_the_windows_that_alarmed(year: Engine) -> None:
    digest = read(year)
    chart = draw_windows(digest.windows, digest.incidents, 0.02)
    step = chart.width / WEEKS
    spans = [(round(span.x / step), round(span.width / step)) for span in chart.spans]
    assert spans == [(week[0], len(week)) for week in (DRIFTED, DEGRADED)]
    assert [span.incident.fingerprint for span in chart.spans] == [
        ("input",),
        ("metric:resolved",),
    ]


def test_the_chart_distinguishes_alarms_hits_and_no_drift(year: Engine) -> None:
    digest = read(year)
    prompts, responses = draw_windows(digest.windows, digest.incidents, 0.02).lanes
    of_prompts = [bar.kind for bar in prompts.bars]
    assert [at for at, kind in enumerate(of_prompts) if kind == "alarm"] == list(DRIFTED)
    assert [at for at, bar in enumerate(responses.bars) if bar.kind == "hit"] == list(HITS)
    assert of_prompts[EMPTY] == responses.bars[EMPTY].kind == "unknown"
    tallest = max(prompts.bars, key=lambda bar: bar.height)
    assert tallest.window.figures.input.drifted_share.estimate == pytest.approx(0.21)


def test_columns_are_sorted_by_effect_size(year: Engine) -> None:
    digest = read(year)
    assert (digest.series[0].name, digest.series[0].n_degraded) == ("resolved", len(DEGRADED))
    assert (digest.series[1].side, digest.series[1].name) == ("prompt", "length")
    peaks = [abs(row.peak.effect_size) for row in digest.series[1:]]
    assert peaks == sorted(peaks, reverse=True)
    line = draw_sparkline(digest.series[0], scale_of(digest.series))
    assert len(line.lines) == 2  # broken by the week without data
    assert len(line.dots) == len(DEGRADED)
    assert digest.series[0].points[EMPTY] is None


def test_a_column_without_comparison_has_no_current_figure(engine: Engine, clock: datetime) -> None:
    usual = make_numeric_column()
    broken = make_numeric_column(name="broken format", side="response", effect_size=0.4)
    weeks = ((usual, broken), (usual,), ())  # the last without enough data says nothing
    with transaction(engine) as connection:
        for week, numeric_columns in enumerate(weeks):
            assessment = make_assessment(numeric_columns=numeric_columns)
            store_evaluation(connection, assessment, clock + week * WEEK)
    series = {row.name: row for row in read(engine).series}
    assert series["broken format"].latest is None
    assert series["broken format"].peak.effect_size == 0.4
    latest = series[usual.name].latest
    assert latest is not None
    assert latest.effect_size == usual.effect_size


def test_scores_and_reports_are_not_read(year: Engine) -> None:
    statements = []
    event.listen(year, "before_cursor_execute", lambda *a: statements.append(a[2]))
    read(year)
    selected = " ".join(statements)
    assert "drift_evaluations" in selected
    assert "sample_scores" not in selected
    assert "reports" not in selected


def test_a_model_without_windows_has_an_empty_digest(engine: Engine) -> None:
    assert read(engine).windows == ()


def test_an_unfinished_window_is_a_gap(any_engine: Engine, clock: datetime) -> None:
    store_year(any_engine, clock)
    with transaction(any_engine) as connection:
        claim_drift_evaluation(connection, "assistant", clock, clock + WEEK, seed=1, now=clock)
    digest = read(any_engine)
    assert digest.windows[-1].figures is None
    assert "1 not evaluated" in digest.summary
    assert all(row.points[-1] is None for row in digest.series)
    chart = draw_windows(digest.windows, digest.incidents, 0.02)
    assert chart.lanes[0].bars[-1].kind == "unknown"
    assert chart.columns[-1].title == "2 \N{EN DASH} 8 Nov 2026: running"


def test_the_page_escapes_names_from_traffic(engine: Engine, clock: datetime) -> None:
    store_year(engine, clock)
    column = make_numeric_column(
        name=HOSTILE, reference_mean=18.1, current_mean=925.0, effect_size=-0.52, unit="words"
    )
    hostile = make_assessment(headline="`resolved` fell.", numeric_columns=(column,))
    with transaction(engine) as connection:
        store_evaluation(connection, hostile, clock)
    make_world(engine, clock, weeks_ago=60)
    with (
        BackgroundServer(create_app(engine, Settings(), Secrets())) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        client.post(
            "/api/login",
            json={"name": "Lea", "password": PASSWORD},
            headers={"x-csrftoken": token[1]},
        )
        page = client.get("/digest")
        listed = client.get("/drift-evaluations")
        other = client.get("/digest", params={"model": "unknown"})
    assert page.status_code == 200
    assert '<a href="/digest" aria-current="page">Digest</a>' in page.text
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "style=" not in page.text  # the policy forbids it
    assert page.text.count('class="share alarm"') == len(DRIFTED)
    assert len(page.content) < 100_000
    assert page.text.count("not enough data</td>") == 2
    # The newest window has the hostile one only.
    assert page.text.count('"Now">\N{EN DASH}</td>') == 4
    assert "lower in 76% of pairs" in page.text
    assert re.search("18.1 → 925 words <small[^>]*>few large values raise", page.text)
    assert other.status_code == 404
    for response in (page, listed):
        assert "2 \N{EN DASH} 8 Nov 2026</a>" in response.text
        assert "2 Nov 2026 \N{EN DASH} 9 Nov 2026" not in response.text
        assert "<td>`resolved` fell" not in response.text
        assert "<td>resolved fell" in response.text


def test_the_command_prints_the_digest(engine: Engine, clock: datetime, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'year.db'}"
    migrated = make_engine(url)
    migrate(migrated)
    store_year(migrated, clock)
    migrated.dispose()
    environment = {"DRIFTWARDEN_DATABASE__URL": url, "COLUMNS": "160"}
    result = CliRunner().invoke(command, ["digest"], env=environment)
    assert result.exit_code == 0, result.output
    assert "52 windows: 9 with drift" in result.output
    assert "p = 0.003, level 0.001, about 0.8%" in result.output
    drifted = [clock - (WEEKS - week) * WEEK for week in (DRIFTED[0], DRIFTED[-1] + 1)]
    assert (
        "incident 1, resolved: input, from {:%Y-%m-%d} until {:%Y-%m-%d}\n".format(*drifted)
        in result.output
    )
    assert f"{clock - WEEK:%Y-%m-%d} to {clock - timedelta(days=1):%Y-%m-%d} " in result.output
    assert re.search(r"not enough data +- +- +3\n", result.output)
    assert re.search(r"metric resolved +[▁▂▃▄▅▆▇█·]{52} +-0.20 +-0.10 +worse in 4", result.output)
    migrated = make_engine(url)
    with transaction(migrated) as connection:
        unlike = (make_numeric_column(name="cost"),)
        store_evaluation(connection, make_assessment(numeric_columns=unlike), clock)
    migrated.dispose()
    result = CliRunner().invoke(command, ["digest"], env=environment)
    assert re.search(r"metric resolved +[▁▂▃▄▅▆▇█·]{52} +-0.20 +- +worse in 4", result.output)
    printed = CliRunner().invoke(command, ["digest", "--json", "--windows", "5"], env=environment)
    digest = json.loads(printed.output)
    assert len(digest["windows"]) == 5
    assert digest["windows"][-1]["figures"]["input"]["p_value"] == 0.4
