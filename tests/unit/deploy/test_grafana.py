"""The dashboard: by Grafana's published schema, and by the metrics that exist."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitor.telemetry import REGISTRY
from tests.unit.deploy.dashboard import DASHBOARD, FOLDER, PANELS, left_out, metrics_of, queries

SUFFIXES = {"counter": "_total", "histogram": "_bucket", "gauge": ""}
EXPORTED = {f"{family.name}{SUFFIXES[family.type]}" for family in REGISTRY.collect()}


def lost(before: Any, after: Any, path: str = "") -> list[str]:
    """Return the places at which a value was before and not after."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            place
            for key, value in before.items()
            for place in (
                lost(value, after[key], f"{path}/{key}") if key in after else [f"{path}/{key}"]
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            place
            for i, pair in enumerate(zip(before, after, strict=True))
            for place in lost(*pair, f"{path}/{i}")
        ]
    return [] if before == after else [path]


def round_trip(dashboard: dict[str, Any]) -> Any:
    """Return a dashboard as the classes generated from Grafana's schema keep it."""
    register_default_plugins()
    return json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(dashboard)))


def test_every_field_is_in_the_published_schema() -> None:
    assert lost(DASHBOARD, round_trip(DASHBOARD)) == []


@pytest.mark.parametrize("place", ["", "/panels/1", "/panels/1/gridPos", "/templating/list/1"])
def test_the_schema_notices_an_unknown_field(place: str) -> None:
    broken = json.loads(json.dumps(DASHBOARD))
    at = broken
    for part in place.split("/")[1:]:
        at = at[int(part)] if part.isdigit() else at[part]
    at["tresholds"] = 1
    assert lost(broken, round_trip(broken)) == [f"{place}/tresholds"]


def test_every_metric_of_a_query_is_exported() -> None:
    for name, query in queries().items():
        assert metrics_of(query) or "ALERTS" in query or "up{" in query, name
        assert metrics_of(query) <= EXPORTED, name


def test_every_exported_metric_is_shown_or_left_out() -> None:
    named = set().union(*(metrics_of(query) for query in queries().values()))
    assert named & left_out() == set()
    assert EXPORTED - named == left_out()


def test_every_metric_of_the_alerts_is_shown() -> None:
    rules = (FOLDER.parent / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
    named = set().union(*(metrics_of(query) for query in queries().values()))
    used = {
        name
        for group in yaml.safe_load(rules)["groups"]
        for rule in group["rules"]
        for name in metrics_of(rule["expr"])
    }
    assert used <= named


def test_alerts_that_descriptions_name_exist() -> None:
    rules = (FOLDER.parent / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
    alerts = set(re.findall(r"- alert: (\w+)", rules))
    named = set(re.findall(r"Driftwarden[A-Z]\w+", json.dumps(DASHBOARD)))
    assert named
    assert named <= alerts


def test_gauges_of_the_leader_are_aggregated() -> None:
    """A former leader's last value may stay for some minutes: two lines for one model."""
    for name, query in queries().items():
        if "model=~" in query:
            assert re.search(r"\b(max|sum|count) ?(by \([\w, ]+\) )?\(", query), name


def test_labels_of_legends_are_labels_of_results() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            grouped = re.findall(r"by \(([\w, ]+)\)", target["expr"])
            if grouped:
                assert named <= set(re.split(r", ", grouped[0])), panel["title"]


def test_panels_have_ids_titles_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
    for first, second in combinations(panels, 2):
        a, b = first["gridPos"], second["gridPos"]
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        stacked = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart or stacked, (first["title"], second["title"])


def test_datasource_and_models_are_variables() -> None:
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    text = json.dumps(DASHBOARD)
    assert set(re.findall(r"\$\{?(?!__)(\w+)", text)) == variables
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
