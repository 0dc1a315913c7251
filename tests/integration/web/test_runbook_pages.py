"""Runbooks: each is a page for everybody, and its links lead to pages that exist."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.alerts.causes import CAUSES, Cause, runbook_url
from monitor.settings import Alerts, Secrets, Settings
from monitor.web.runbooks.runbook_pages import read_runbook
from tests.support.web.apps import create_app

ROOT = Path(__file__).parents[3]


@pytest.fixture
def page(engine: Engine) -> TestClient[Litestar]:
    return TestClient(create_app(engine, Settings(), Secrets()))


@pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))
def test_the_link_of_a_message_leads_to_its_runbook(
    page: TestClient[Litestar], cause: Cause
) -> None:
    response = page.get(runbook_url(Alerts(), cause.name))
    assert response.status_code == 200
    assert f"<h1>{cause.title}</h1>" in response.text
    for target in re.findall(r'href="(/runbooks[^"]*)"', response.text):
        assert page.get(target).status_code == 200
    assert not re.search(r'href="[^"]*\.md', response.text)


def test_each_alert_of_prometheus_links_its_section(page: TestClient[Litestar]) -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text(encoding="utf-8"))
    alerts = rules["groups"][0]["rules"]
    text = page.get("/runbooks/prometheus").text
    for alert in alerts:
        path, anchor = alert["annotations"]["runbook_url"].split("#")
        assert path.endswith("/runbooks/prometheus")
        assert (anchor, f'<h2 id="{anchor}">{alert["alert"]}</h2>' in text) == (
            alert["alert"].lower(),
            True,
        )
    assert text.count("<h2 ") == len(alerts)
    for target in re.findall(r'href="(/runbooks[^"]*)"', text):
        assert page.get(target).status_code == 200
    assert "/runbooks/prometheus" in page.get("/runbooks").text


def test_unknown_runbooks_do_not_exist(page: TestClient[Litestar]) -> None:
    for name in ("README", "nothing", "..%2F..%2FREADME"):
        assert page.get(f"/runbooks/{name}").status_code == 404


def test_a_runbook_names_pages_that_are_not_served() -> None:
    assert "<code>docs/how-to/production.md</code>" in read_runbook("evaluation-failed")


def test_the_wheel_has_the_runbooks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["docs/runbooks"] == "monitor/_runbooks"
    assert "COPY docs/runbooks docs/runbooks" in (ROOT / "docker" / "Dockerfile").read_text()
