"""Steps of leads on the page: promote, roll back, approve a candidate, evaluate, export."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import select, update

from monitor.accounts.registration import create_user
from monitor.settings import Retrain, Secrets, Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, CandidateEvaluation
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
from monitor.store.training.candidate_results import WeakerRules
from monitor.store.training.registry import production_version, stage_changes, version_by_id
from retrain.evaluation.request import as_request
from retrain.run_folder import RunFolder
from tests.support.retrain.candidates import (
    MODEL,
    PLAN,
    evaluated,
    make_candidate,
    make_results,
    make_serving,
    write_plan,
    write_results,
)
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.review.settled_items import RIGHT, settle
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

WHY = {"reason": "the gates are met, and I read every response"}


@pytest.fixture
def world(engine, clock: datetime) -> World:
    return make_world(engine, clock, n=8)


@pytest.fixture
def candidate(world: World, tmp_path: Path, clock: datetime) -> int:
    make_serving(world.engine, clock)
    return make_candidate(world.engine, tmp_path, clock)[0]


@pytest.fixture
def client(world: World, tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    settings = Settings(retrain=Retrain(evaluation=str(write_plan(tmp_path))))
    with TestClient(create_app(world.engine, settings, Secrets())) as made:
        yield made


def post(client: TestClient[Litestar], path: str, data: dict[str, str] | None = None) -> int:
    return int(client.post(path, data=data or {}, follow_redirects=False).status_code)


def stage(world: World, version: int) -> str:
    with transaction(world.engine) as connection:
        return version_by_id(connection, version).stage


def test_a_version_is_promoted_by_its_gate_and_rolled_back(
    client: TestClient[Litestar], world: World, candidate: int, tmp_path: Path, clock: datetime
) -> None:
    promote = f"/models/versions/{candidate}/promote"
    sign_in(client, "Ada")
    assert post(client, promote, WHY) == 403
    sign_in(client, "Lea")
    assert f'action="{promote}"' in client.get(f"/models/versions/{candidate}").text
    assert [
        post(client, promote), post(client, promote, {"reason": " "}), post(client, promote, WHY),
    ] == [400, 400, 409]  # fmt: skip
    assert stage(world, candidate) == "candidate", "it has no gate result"
    folder = RunFolder(tmp_path / "runs" / "run-00001")
    write_results(folder, make_results())
    with transaction(world.engine) as connection:
        evaluated(connection, candidate, clock, "promote", folder=folder.root)
    assert post(client, promote, WHY) == 303
    with transaction(world.engine) as connection:
        assert candidate == production_version(connection, MODEL).id
        assert stage_changes(connection, candidate)[-1].changed_by == "Lea"
    back = f"/models/versions/{candidate}/rollback"
    assert f'action="{back}"' in client.get(f"/models/versions/{candidate}").text
    assert [post(client, back), post(client, back, WHY), post(client, back, WHY)] == [400, 303, 409]
    with transaction(world.engine) as connection:
        assert candidate != production_version(connection, MODEL).id


def test_a_lead_rejects_a_candidate_once(
    client: TestClient[Litestar], world: World, candidate: int
) -> None:
    address = f"/models/versions/{candidate}/reject"
    sign_in(client, "Ada")
    assert post(client, address, WHY) == 403
    sign_in(client, "Lea")
    page = f"/models/versions/{candidate}"
    assert f'action="{address}"' in client.get(page).text
    assert [post(client, address), post(client, address, {"reason": " "})] == [400, 400]
    assert stage(world, candidate) == "candidate"
    assert [post(client, address, WHY), post(client, address, WHY)] == [303, 409]
    with transaction(world.engine) as connection:
        change = stage_changes(connection, candidate)[-1]
    assert ("rejected", "Lea", WHY["reason"]) == (
        change.to_stage, change.changed_by, change.reason,
    )  # fmt: skip
    assert f'action="{address}"' not in client.get(page).text


def test_rejected_version_shows_its_reason_and_no_promotion(
    client: TestClient[Litestar], world: World, candidate: int
) -> None:
    page = f"/models/versions/{candidate}"
    sign_in(client, "Lea")
    client.post(f"{page}/reject", data={"reason": "worse at <b>refunds</b>"})
    text = client.get(page).text
    head, _, steps = text.partition('id="steps"')
    assert "by Lea: worse at &lt;b&gt;refunds" in head
    assert f'action="{page}/promote"' not in steps
    assert re.search(r"<code>driftwarden retrain evaluate \d+ --reason WHY</code>", steps)
    assert "worse at &lt;b&gt;refunds" in client.get("/models").text
    start = client.get(f"/rollouts/start/{candidate}")
    assert (start.status_code, "<form class" in start.text) == (200, False)
    assert "is rejected and can&#39;t be rolled out" in start.text
    sign_in(client, "Ada")
    assert "refunds" not in client.get("/models").text


@pytest.mark.parametrize(
    ("gate_result", "statuses"), [("undecided", [303, 409]), ("reject", [409] * 2)]
)
def test_a_lead_approves_an_undecided_candidate(
    client: TestClient[Litestar], world: World, candidate: int, tmp_path: Path, clock: datetime,
    gate_result: str, statuses: list[int],
) -> None:  # fmt: skip
    folder = RunFolder(tmp_path / "runs" / "run-00001")
    write_results(folder, make_results(gate_result))
    with transaction(world.engine) as connection:
        row = evaluated(connection, candidate, clock, gate_result, folder=folder.root)
    address = f"/candidate-evaluations/{row.id}/approve"
    sign_in(client, "Ada")
    assert post(client, address, WHY) == 403
    sign_in(client, "Lea")
    page = client.get(f"/candidate-evaluations/{row.id}").text
    assert (f'action="{address}"' in page) == (gate_result == "undecided")
    assert post(client, address) == 400
    assert statuses == [post(client, address, WHY) for _ in range(2)]
    with transaction(world.engine) as connection:
        approved = candidate_evaluation_by_id(connection, row.id).approved_by
    assert ("Lea" if 303 in statuses else None) == approved


@pytest.mark.parametrize("approval", ["one", "two"])
def test_the_page_names_own_training_and_evaluation(
    world: World, candidate: int, clock: datetime, approval: str
) -> None:
    with transaction(world.engine) as connection:
        version = version_by_id(connection, candidate)
        subject = f"training_runs/{version.training_run_id}"
        append_entry(connection, clock, "Lea", "run.planned", subject)
        row = evaluated(connection, candidate, clock, "undecided")
        connection.execute(update(CandidateEvaluation).values(planned_by="Lea"))
        create_user(connection, "Max", PASSWORD, "lead", clock)
    page, address = f"/candidate-evaluations/{row.id}", f"/candidate-evaluations/{row.id}/approve"
    settings = Settings(retrain={"approval": approval})
    with TestClient(create_app(world.engine, settings, Secrets())) as client:
        sign_in(client, "Lea")
        text = client.get(page).text
        assert "You trained and evaluated this version" in text
        assert (f'action="{address}"' in text) == (approval == "one")
        assert post(client, address, {"reason": "."}) == 409
        reply = client.post(address, data=WHY, follow_redirects=False)
        assert reply.status_code == (303 if approval == "one" else 409)
        assert ("Max" in reply.text) == (approval == "two")
        if approval == "two":
            sign_in(client, "Max")
            assert "You trained" not in client.get(page).text
            assert post(client, address, WHY) == 303
        by = "Lea" if approval == "one" else "Max"
        for place in (page, f"/models/versions/{candidate}"):
            text = client.get(place).text
            approved = re.search(r"pproved by (\w+)(, who trained and evaluated)?", text)
            assert approved is not None
            assert (approved[1], bool(approved[2])) == (by, approval == "one"), place


def test_a_candidate_is_evaluated_once(
    client: TestClient[Litestar], world: World, candidate: int
) -> None:
    address = f"/models/versions/{candidate}/evaluate"
    sign_in(client, "Ada")
    assert post(client, address) == 403
    sign_in(client, "Lea")
    assert f'action="{address}"' in client.get(f"/models/versions/{candidate}").text
    pages = {client.post(address, follow_redirects=False).headers["location"] for _ in range(2)}
    assert {"/candidate-evaluations/1"} == pages
    with transaction(world.engine) as connection:
        row = candidate_evaluation_by_id(connection, 1)
    assert ("planned", "Lea", candidate) == (row.status, row.planned_by, row.version_id)


def test_a_lead_evaluates_by_weaker_rules_with_a_reason(
    client: TestClient[Litestar], world: World, candidate: int, tmp_path: Path, clock: datetime
) -> None:
    other, _ = make_candidate(world.engine, tmp_path, clock)
    with transaction(world.engine) as connection:
        evaluated(connection, other, clock, "undecided", folder=tmp_path)
    write_plan(tmp_path, PLAN.replace("exact_match", "f1"))
    address = f"/models/versions/{candidate}/evaluate"
    sign_in(client, "Lea")
    refused = client.post(address)
    assert refused.status_code == 409
    assert "no metric exact_match" in refused.text
    reasons = {"weaker_because": "the metric is always 1 for each response", "move_because": " "}
    assert post(client, address, reasons) == 303
    with transaction(world.engine) as connection:
        request = as_request(candidate_evaluation_by_id(connection, 2).request)
    (entry,) = request.weaker_rules
    assert (entry.reason, entry.by, request.move_because) == (reasons["weaker_because"], "Lea", "")


def test_weaker_rules_are_shown_before_a_version_is_promoted(
    client: TestClient[Litestar], world: World, candidate: int, tmp_path: Path, clock: datetime
) -> None:
    rules = WeakerRules(
        evaluation=7, rules=("support: no metric <f1>",), reason="nobody reads it", by="Ben"
    )
    with transaction(world.engine) as connection:
        row = evaluated(
            connection, candidate, clock, "promote", folder=tmp_path, weaker_rules=(rules,)
        )
        (entry,) = connection.execute(
            select(AuditEntry.details).where(AuditEntry.action == "evaluation.succeeded")
        ).scalars()
    assert entry["weaker_rules"] == [str(rules)]
    sign_in(client, "Lea")
    text = escape(str(rules))
    pages = (
        f"/models/versions/{candidate}",
        f"/rollouts/start/{candidate}",
        f"/candidate-evaluations/{row.id}",
    )
    for path in pages:
        page = client.get(path).text
        assert text in page.replace("&#34;", "&quot;"), path


def test_gold_download_is_audited(
    client: TestClient[Litestar], world: World, clock: datetime
) -> None:
    reviewers = (world.users["Ada"], world.users["Ben"])
    with transaction(world.engine) as connection:
        settle(connection, world.batch_id, reviewers, lambda *_: RIGHT, clock)
    sign_in(client, "Ada")
    assert post(client, "/progress/export") == 403
    sign_in(client, "Lea")
    assert "/progress/export?model=assistant" in client.get("/progress").text
    for name, content in (("sft", "messages"), ("preference", "prompt")):
        reply = client.post("/progress/export?model=assistant", data={"format": name})
        assert reply.headers["content-disposition"].startswith("attachment")
        rows = [json.loads(line) for line in reply.text.splitlines()]
        assert all(content in row for row in rows)
    assert post(client, "/progress/export?model=assistant", {"format": "argilla"}) == 400
    assert post(client, "/progress/export?model=other", {"format": "sft"}) == 404
    with transaction(world.engine) as connection:
        entries = connection.execute(
            select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == "exported")
        ).all()
    assert [(by, row["format"]) for by, row in entries] == [("Lea", "sft"), ("Lea", "preference")]
