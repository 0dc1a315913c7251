"""The shipped rules of Prometheus, by promtool, against the metrics that /metrics exports."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from litestar.testing import TestClient
from sqlalchemy import Engine

from bench.services.requirement import program
from monitor.daemon.cycle import Cycle
from monitor.daemon.leader_metrics import create_counters as create_counters_of_models
from monitor.daemon.leader_metrics import withdraw_gauges
from monitor.settings import Secrets, Settings
from monitor.telemetry import REGISTRY
from monitor.traffic.ingest.storage_metrics import create_counters
from tests.support.present import utc_now
from tests.support.web.apps import create_app
from tests.unit.deploy.dashboard import queries

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus"
#: Files that test each alert.
OF_ALERTS = ("rules.test.yaml", "hours.test.yaml")
PAGE = ROOT / "docs" / "how-to" / "monitor-driftwarden.md"


def promtool(*arguments: str, metrics: bytes = b"") -> str:
    """Run promtool, which must succeed, and return its output."""
    command = program("promtool", "Debian's package `prometheus` has it")
    finished = subprocess.run(
        [command, *arguments], cwd=RULES, input=metrics, capture_output=True, check=False
    )
    output = (finished.stdout + finished.stderr).decode()
    assert finished.returncode == 0, output
    return output


def test_the_rules_are_valid_and_fire_rightly() -> None:
    tested = promtool("test", "rules", *OF_ALERTS, "month.test.yaml")
    assert tested.count("SUCCESS") == 3
    # As errors, so that no two rules are the same.
    promtool("check", "rules", "--lint-fatal", "rules.yaml")


def test_every_alert_is_tested_and_documented() -> None:
    alerts = re.findall(r"- alert: (\w+)", (RULES / "rules.yaml").read_text())
    tests = "".join((RULES / name).read_text() for name in OF_ALERTS)
    page = PAGE.read_text()
    assert len(alerts) > 10
    assert not [alert for alert in alerts if not re.search(rf"alertname: {alert}\b", tests)]
    assert not [alert for alert in alerts if f"| `{alert}` |" not in page]


def test_the_quiet_month_has_every_metric_of_every_rule() -> None:
    """A rule without data is quiet whatever it says."""
    month = (RULES / "month.test.yaml").read_text()
    there = set(re.findall(r"- series: '(\w+)", month))
    rules = yaml.safe_load((RULES / "rules.yaml").read_text())["groups"][0]["rules"]
    for rule in rules:
        assert set(re.findall(r"\b(?:driftwarden_\w+|up)\b", rule["expr"])) <= there, rule["alert"]


@pytest.mark.parametrize("name", ["prometheus.yaml", "prometheus-kubernetes.yaml"])
def test_the_scrape_configurations_are_valid(name: str) -> None:
    assert "SUCCESS: 1 rule files found" in promtool("check", "config", name)
    (job,) = yaml.safe_load((RULES / name).read_text())["scrape_configs"]
    # The name in DriftwardenDown and on the dashboard.
    assert f'up{{job="{job["job_name"]}"}}' in (RULES / "rules.yaml").read_text()


def test_every_query_of_the_dashboard_is_parsed(tmp_path: Path) -> None:
    """As rules, with the variables filled in."""
    rules = [{"record": f"query:{i}", "expr": query} for i, query in enumerate(queries().values())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", str(file))


def test_the_rules_use_metrics_that_exist() -> None:
    names = {f"{f.name}_total" if f.type == "counter" else f.name for f in REGISTRY.collect()}
    used = set(re.findall(r"\bdriftwarden_\w+", (RULES / "rules.yaml").read_text()))
    assert used <= names


@pytest.fixture
def metrics(engine: Engine) -> bytes:
    """Return the output of /metrics of a daemon that leads and ingests."""
    create_counters("llm-traffic")
    create_counters_of_models(["assistant"])
    Cycle.build(engine, Settings(), Secrets(), utc_now()).publish_gauges(utc_now())
    with TestClient(create_app(engine, Settings(), Secrets())) as client:
        output = client.get("/metrics").content
    withdraw_gauges()
    return output


def test_promtool_accepts_the_output_of_metrics(metrics: bytes) -> None:
    assert b"driftwarden_window_seconds" in metrics
    assert not promtool("check", "metrics", metrics=metrics)
