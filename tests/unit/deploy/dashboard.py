"""The dashboard in deploy/grafana and its queries."""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "driftwarden.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
_VALUES = {"$model|": ".*", "$model": ".*"}


def queries() -> dict[str, str]:
    """Return the queries by panel and reference, with the dashboard's variables filled in."""
    by_name = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in PANELS
        for target in panel["targets"]
    }
    for annotation in DASHBOARD["annotations"]["list"]:
        by_name[f"annotation {annotation['name']}"] = annotation["expr"]
    for variable, value in _VALUES.items():
        by_name = {name: query.replace(variable, value) for name, query in by_name.items()}
    return by_name


def left_out() -> set[str]:
    """Return the metrics that the dashboard leaves out deliberately."""
    text = (FOLDER / "left-out.txt").read_text(encoding="utf-8")
    return {line.split()[0] for line in text.splitlines() if line and not line.startswith("#")}


def metrics_of(query: str) -> set[str]:
    """Return the names of driftwarden's and the process's metrics in a query."""
    return set(re.findall(r"\b(?:driftwarden|process)_\w+", query))
