"""Unknown ids of any size, on every route of an item."""

from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import Engine, select

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.web.server import BackgroundServer
from tests.support.review.review_world import make_world
from tests.support.web.apps import create_app
from tests.support.web.route_table import Route, Visitor, routes

SCORES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
#: A body that the route would take, by the end of its path: refused is who sends it, not what.
BODIES: dict[str, dict[str, Any]] = {
    "draft": {"comment": "mine now"},
    "review": {"verdict": "accept", **SCORES},
    "flag": {"reason": "mine now"},
    "decline": {"reason": "mine now"},
    "messages": {"text": "mine now"},
    "resolution": {"verdict": "accept"},
    "adjudication": {"verdict": "accept", "cause": "ambiguous"},
    "audit": {"verdict": "accept"},
    "reopen": {"reason": "mine now"},
    "ratings": {"ratings": [SCORES]},
}
#: Forms, where the page sends no JSON.
FORMS: dict[str, dict[str, Any]] = {"role": {"role": "admin"}, "task-types": {"task_type": "fees"}}
#: Written by reading too, or by anybody's sign-in.
NOT_COMPARED = {"access_log", "web_sessions", "sign_in_attempts"}


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Return the content of the database by table."""
    with transaction(engine) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in metadata.tables.items()
            if name not in NOT_COMPARED
        }


def knock(visitor: Visitor, route: Route, values: dict[str, int]) -> Any:
    path, last = route.fill(values), route.path.rsplit("/", 1)[1]
    if route.method == "GET":
        return visitor.get(path)
    if route.is_api:
        return visitor.send(route.method, path, json=BODIES.get(last, {}))
    return visitor.send(route.method, path, data=FORMS.get(last, {}))


def test_unknown_ids_are_not_found(any_engine: Engine, clock: datetime) -> None:
    """Ids of any size, known to no database, are refused and no error."""
    make_world(any_engine, clock, n=4)
    app = create_app(any_engine, Settings(), Secrets())
    with BackgroundServer(app) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        ada = Visitor(http)
        assert ada.sign_in("Ada").status_code == 200
        for route in routes(app):
            for number in (0, 2**63 - 1, 2**63, 10**30) if "item_id" in route.parameters else ():
                response = knock(ada, route, {"item_id": number})
                assert response.status_code in {400, 403, 404}, (route, number)
