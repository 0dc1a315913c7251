"""Pages of candidate evaluations: figures and responses, hidden during blind ratings."""

import html
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from monitor.review.human_evaluation.opening import open_human_evaluation
from monitor.settings import Retrain, Secrets, Settings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.engine import transaction
from monitor.store.tables import CandidateEvaluation
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    candidate_evaluation_by_id,
    finish_candidate_evaluation,
)
from monitor.store.training.children import record_unterminated_child
from monitor.store.training.label_results import (
    Calibration,
    Classification,
    LabelScore,
    ReliabilityBin,
)
from retrain.run_folder import RunFolder, read_lines
from tests.support.retrain.candidates import (
    PLAN,
    check,
    evaluated,
    make_candidate,
    make_results,
    make_serving,
    write_plan,
    write_results,
)
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def world(engine, clock: datetime) -> World:
    return make_world(engine, clock, n=4)


@pytest.fixture
def folder(world: World, tmp_path: Path, clock: datetime) -> RunFolder:
    make_serving(world.engine, clock)
    make_candidate(world.engine, tmp_path, clock)
    return RunFolder(tmp_path / "runs" / "run-00001")


@pytest.fixture
def row(world: World, folder: RunFolder, clock: datetime) -> CandidateEvaluationRow:
    verdict = make_results("reject")
    write_results(folder, verdict)
    with transaction(world.engine) as connection:
        return evaluated(
            connection, 2, clock, "reject", folder=folder.root,
            checks=(check(HOSTILE), check(outcome="failed")), next_step="Try full fine-tuning.",
            judge_agreement="agreement with people on 40 items",
        )  # fmt: skip


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


def test_a_lead_sees_every_figure(
    client: TestClient[Litestar], row: CandidateEvaluationRow
) -> None:
    sign_in(client, "Lea")
    assert f'href="/candidate-evaluations/{row.id}"' in client.get("/candidate-evaluations").text
    source = client.get(f"/candidate-evaluations/{row.id}").text
    assert HOSTILE not in source
    page = html.unescape(source)
    for text in (
        "Rejected", "Next:", "Try full fine-tuning.", HOSTILE, "better than the incumbent",
        "0.90 → 0.95", "Required: p <= 0.05", "Candidate", "Incumbent", "Base",
        "0.900", "0.800", "0.700", "0.990, n = 6", "task_type: cards",
        "+10.0 points", "+2.0 points to +20.0 points", "agreement with people on 40 items",
        "support: WARNING: only 6 items", "sha256:0000000000000000", "gates.margin",
        "rejected", row.file_digest[:19],
        "old, 6", "0.250", "copy of the prompt",
    ):  # fmt: skip
        assert text in page, text


def test_a_process_that_outlives_cancellation_is_shown(
    client: TestClient[Litestar], world: World, row: CandidateEvaluationRow
) -> None:
    with transaction(world.engine) as connection:
        record_unterminated_child(connection, CandidateEvaluation, row.id, {"pid": 1}, HOSTILE)
    sign_in(client, "Lea")
    source = client.get(f"/candidate-evaluations/{row.id}").text
    assert HOSTILE not in source
    page = html.unescape(source)
    assert f"still runs: {HOSTILE}." in page


def test_responses_that_differ_are_linked(
    client: TestClient[Litestar], row: CandidateEvaluationRow, folder: RunFolder
) -> None:
    sign_in(client, "Lea")
    page = client.get(f"/candidate-evaluations/{row.id}").text
    assert "benchmark=support&metric=exact_match&other=incumbent" in html.unescape(page)
    query = "benchmark=support&metric=exact_match&other=incumbent"
    address = f"/candidate-evaluations/{row.id}/responses?{query}"
    better = html.unescape(client.get(f"{address}&show=better").text)
    assert "better on 1" in better
    assert "worse on 0" in better
    assert "q4" in better  # the candidate answers five right, the incumbent four
    assert "incumbent is wrong" in better
    assert "No items." in client.get(f"{address}&show=worse").text
    unnamed = client.get(address.partition("&")[0], follow_redirects=False)
    assert unnamed.headers["location"] == f"/candidate-evaluations/{row.id}"
    folder.evaluation_responses(row.id).unlink()
    assert "The responses are not available here" in html.unescape(client.get(address).text)


def test_an_open_human_evaluation_hides_figures_and_responses(
    client: TestClient[Litestar],
    world: World,
    row: CandidateEvaluationRow,
    folder: RunFolder,
    clock: datetime,
) -> None:
    with transaction(world.engine) as connection:
        open_human_evaluation(
            connection, evaluation_id=row.id, plan=HumanEvaluationPlan(),
            rows=list(read_lines(folder.evaluation_responses(row.id))), seed=1, secret=bytes(32),
            now=clock,
        )  # fmt: skip
    sign_in(client, "Lea")
    page = html.unescape(client.get(f"/candidate-evaluations/{row.id}").text)
    assert "A blind human evaluation is open" in page
    assert "0.900" not in page
    assert "0.90 -> 0.95" not in page
    responses = client.get(
        f"/candidate-evaluations/{row.id}/responses"
        "?benchmark=support&metric=exact_match&other=incumbent"
    ).text
    assert "A blind human evaluation is open" in responses
    assert "is wrong" not in responses


def test_page_shows_labels_and_calibration(
    client: TestClient[Litestar], world: World, folder: RunFolder, clock: datetime
) -> None:
    labels = Classification(
        system="candidate", benchmark="support", n=6, micro_f1=0.625, macro_f1=0.5,
        macro_lower=0.25, macro_upper=0.75, labels=(LabelScore(HOSTILE, 0.5, 0.25, 0.333, 4),),
        confusion=((HOSTILE, HOSTILE, 1), (HOSTILE, "", 3)),
    )  # fmt: skip
    bins = (ReliabilityBin(0.911, 0.811, 6),)
    known = Calibration(
        system="candidate", benchmark="support", n=6, expected_error=0.1, brier=0.2, bins=bins
    )
    with transaction(world.engine) as connection:
        stored = evaluated(
            connection, 2, clock, folder=folder.root, classifications=(labels,),
            calibrations=(known,),
        )  # fmt: skip
    sign_in(client, "Lea")
    source = client.get(f"/candidate-evaluations/{stored.id}").text
    assert HOSTILE not in source
    for text in ("micro F1 0.625", "none of the labels: 3", "0.333", "0.911", "0.811"):
        assert text in source


def test_candidate_evaluations_are_for_leads(
    client: TestClient[Litestar], row: CandidateEvaluationRow
) -> None:
    assert client.get("/candidate-evaluations", follow_redirects=False).is_redirect
    sign_in(client, "Ada")
    for path in ("", f"/{row.id}", f"/{row.id}/responses"):
        assert client.get(f"/candidate-evaluations{path}").status_code == 403
    sign_in(client, "Lea")
    assert client.get("/candidate-evaluations/99").status_code == 404


def test_a_lead_evaluates_a_rejected_version_again(
    world: World, row: CandidateEvaluationRow, tmp_path: Path
) -> None:
    assert (row.gate_result, row.stage) == ("reject", "rejected")
    address = f"/candidate-evaluations/{row.id}/repeat"
    file = write_plan(tmp_path)
    settings = Settings(retrain=Retrain(evaluation=str(file)))
    with TestClient(create_app(world.engine, settings, Secrets())) as client:
        sign_in(client, "Ada")
        assert client.post(address, data={"reason": "so"}).status_code == 403
        sign_in(client, "Lea")
        page = client.get(f"/candidate-evaluations/{row.id}").text
        assert f'action="{address}"' in page
        assert "It can be rolled out" not in page
        assert client.post(address, data={"reason": " "}).status_code == 409
        file.write_text(PLAN.replace("exact_match", "f1"))
        assert client.post(address, data={"reason": "wrong metric"}).status_code == 409
        file.write_text(PLAN)
        reply = client.post(address, data={"reason": "wrong metric"}, follow_redirects=False)
        assert reply.headers["location"] == f"/candidate-evaluations/{row.id + 1}"
    with transaction(world.engine) as connection:
        planned = candidate_evaluation_by_id(connection, row.id + 1)
    assert (planned.status, planned.planned_by) == ("planned", "Lea")
    assert planned.request["reason"] == "wrong metric"


def test_no_evaluation_is_repeated_without_an_evaluation_file(
    client: TestClient[Litestar], row: CandidateEvaluationRow
) -> None:
    sign_in(client, "Lea")
    reply = client.post(f"/candidate-evaluations/{row.id}/repeat", data={"reason": "so"})
    assert reply.status_code == 409


def read_file_page(world: World, file: str, query: str = "", user: str = "Lea") -> tuple[int, str]:
    settings = Settings(model={"name": "assistant"}, retrain=Retrain(evaluation=file))
    with TestClient(create_app(world.engine, settings, Secrets())) as made:
        sign_in(made, user)
        reply = made.get(f"/candidate-evaluations/file{query}")
    return reply.status_code, html.unescape(reply.text)


def test_page_of_the_evaluation_file_checks_its_data(world: World, tmp_path: Path) -> None:
    file = write_plan(tmp_path)
    _, page = read_file_page(world, str(file))
    assert ("support.jsonl" in page, "check=true" in page, "WARNING" in page) == (True, True, False)
    _, checked = read_file_page(world, str(file), "?check=true")
    assert "support: WARNING: only 6 items" in checked
    assert "task_type: cards (6)" in checked
    (tmp_path / "support.jsonl").unlink()
    _, broken = read_file_page(world, str(file), "?check=true")
    assert re.search(r'notice bad">.*support\.jsonl', broken)
    file.write_text(PLAN.replace("metrics:", "metrix:"))
    status, invalid = read_file_page(world, str(file))
    assert (status, "evaluation.yaml, line" in invalid) == (200, True)
    assert "No file is configured" in read_file_page(world, "")[1]
    assert read_file_page(world, str(file), user="Ada")[0] == 403


def test_a_failed_evaluation_is_evaluated_again_on_its_page(
    world: World, folder: RunFolder, clock: datetime, tmp_path: Path
) -> None:
    settings = Settings(retrain=Retrain(evaluation=str(write_plan(tmp_path))))
    with TestClient(create_app(world.engine, settings, Secrets())) as client:
        sign_in(client, "Lea")
        client.post("/models/versions/2/evaluate", data={}, follow_redirects=False)
        with transaction(world.engine) as connection:
            finish_candidate_evaluation(connection, 1, "failed", now=clock, error="no judge")
        action = "/candidate-evaluations/1/repeat"
        assert f'action="{action}"' in client.get("/candidate-evaluations/1").text
        reply = client.post(action, data={"weaker_because": ""}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/candidate-evaluations/2")
    with transaction(world.engine) as connection:
        assert candidate_evaluation_by_id(connection, 2).status == "planned"
