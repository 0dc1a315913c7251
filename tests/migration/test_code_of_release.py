"""The code of the release before, from the history, on a database that was migrated since."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from monitor.store import migrations
from monitor.store.engine import transaction
from monitor.store.schema.inspection import inspect_database
from monitor.store.schema.older_release import adopt_rows
from monitor.store.schema.releases import RELEASES
from monitor.store.tables import (
    Incident,
    IncidentEvent,
    IncidentThread,
    Rollout,
    metadata,
)
from tests.migration.test_released_schemas import restore
from tests.support.filled_tables import advance_sequence

ROOT = Path(__file__).parents[2]
LAST = RELEASES[-1].version
#: A desk with traffic, evaluations, incidents and reviews; a page of each kind; a message that is
#: sent; a rollout. What 0.2 does in its first hours after the migration.
SCRIPT = """
import sys
from datetime import UTC, datetime, timedelta
from litestar.testing import TestClient
from sqlalchemy import insert, select, text
from monitor.settings import Secrets, Settings
from monitor.store.alerts import outbox
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Incident, ModelVersion
from monitor.store.training.rollouts import insert_rollout, rollout_by_id
from monitor.daemon.web_app import create_app
from tests.support.web.route_table import PUBLIC, Visitor, routes

engine = make_engine(sys.argv[1])
now = datetime(2026, 11, 9, tzinfo=UTC)
with transaction(engine) as connection:
    values = {"model": "beside", "status": "open", "fingerprint": "input", "severity": 0.4}
    incident = connection.execute(
        insert(Incident).values(**values, opened_at=now).returning(Incident.id)
    ).scalar_one()
    assert outbox.add_message(
        connection, dedupe_key="beside", model="beside", incident_id=incident, kind="post",
        payload={"text": "x", "blocks": [{}]}, now=now,
    )
    scope = outbox.ModelScope(only=["beside"])
    message = outbox.lease_due_message(connection, now, now + timedelta(minutes=1), scope=scope)
    outbox.mark_sent(connection, message, "C9", "9.9", now)
    thread = select(Incident.slack_ts).where(Incident.id == incident)
    assert connection.execute(thread).scalar_one() == "9.9"
    version = connection.execute(
        insert(ModelVersion).values(
            model="beside", version=1, stage="canary", adapter_path="", adapter_digest="",
            lineage={}, created_at=now,
        ).returning(ModelVersion.id)
    ).scalar_one()
    rollout = insert_rollout(connection, version, 5, now, "beside")
    assert rollout_by_id(connection, rollout).status == "running"
app = create_app(engine, Settings(), Secrets())
pages = [r.path for r in routes(app) if r.method == "GET" and not r.parameters]
pages = [path for path in pages if path not in PUBLIC]
with TestClient(app) as client:
    lead = Visitor(client)
    assert lead.sign_in("Lea").status_code < 300
    statuses = {page: lead.get(page).status_code for page in pages}
# Its own checks, when it is started anew, refuse the schema: /readyz says so.
assert {p: s for p, s in statuses.items() if s >= 400 and p != "/readyz"} == {}, statuses
assert len(statuses) > 5
print(incident, rollout)
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the code of the last release, at the commit that added its dumps."""
    dumps = f"tests/migration/released/{LAST}.sqlite.sql"
    find = ["git", "log", "-1", "--diff-filter=A", "--format=%H", "--", dumps]
    commit = subprocess.run(find, cwd=ROOT, capture_output=True, text=True, check=False)
    if not commit.stdout.strip():
        pytest.skip(f"this clone has no commit of {LAST}")
    archive = subprocess.run(
        ["git", "archive", commit.stdout.strip()], cwd=ROOT, capture_output=True, check=True
    )
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as opened:
        opened.extractall(folder, filter="data")
    return folder


@pytest.mark.drill
def test_code_of_the_release_works_until_it_is_stopped(empty_engine: Engine, code: Path) -> None:
    restore(empty_engine, LAST)
    migrations.upgrade(empty_engine)
    with transaction(empty_engine) as connection:
        for table in metadata.sorted_tables:  # the dumps gave ids without PostgreSQL's sequences
            advance_sequence(connection, table)
    empty_engine.dispose()
    url = empty_engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, url],
        cwd=code,
        env=os.environ | {"PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    incident, rollout = map(int, done.stdout.split())
    with transaction(empty_engine) as connection:
        assert adopt_rows(connection) >= 3
        events = select(IncidentEvent.event).where(IncidentEvent.incident_id == incident)
        assert connection.execute(events).scalars().all() == ["opened"]
        thread = select(IncidentThread.ts).where(IncidentThread.incident_id == incident)
        assert connection.execute(thread).scalars().all() == ["9.9"]
        model = select(Rollout.model).where(Rollout.id == rollout)
        assert connection.execute(model).scalar_one() == "beside"
        cause = select(Incident.cause).where(Incident.id == incident)
        assert connection.execute(cause).scalar_one() == "drift"
    assert inspect_database(empty_engine).problems == ()
