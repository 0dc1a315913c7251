"""The list of versions: headline metrics beside the version before, and two versions compared."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import httpx
import pytest
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.training.registry import ScoreRow, list_versions, save_scores, scores_of
from monitor.web.models.version_scores import N_HEADLINES, score_versions
from monitor.web.server import BackgroundServer
from retrain.registry.stages import register_version
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.review.review_world import PASSWORD, make_world
from tests.support.web.apps import create_app

#: Scores of three versions on the metric `exact_match`; the second is better, the third about as.
VALUES = (0.40, 0.80, 0.79)
BENCHMARKS = ("safety", "support")
STRATA = ("", *(f"task_type={number}" for number in range(12)))


@pytest.fixture
def versions(engine: Engine, clock: datetime) -> list[int]:
    make_world(engine, clock, n=6)
    numbers = []
    with transaction(engine) as connection:
        for value in VALUES:
            version = register_version(
                connection, model="assistant", adapter_path="a", adapter_digest="sha256:a",
                now=clock, lineage={},
            )  # fmt: skip
            for name in BENCHMARKS:
                rows = [
                    ScoreRow(name, stratum, metric, value, value - 0.05, value + 0.05, 100)
                    for stratum in STRATA
                    for metric in ("exact_match", "json_valid", "token_f1")
                ]
                save_scores(connection, version, name, rows, clock)
            numbers.append(version)
    return numbers


@pytest.fixture
def read(engine: Engine, versions: list[int]) -> Iterator[Callable[[str], httpx.Response]]:
    with (
        BackgroundServer(create_app(engine, Settings(), Secrets())) as server,
        ExitStack() as stack,
    ):
        client = stack.enter_context(httpx.Client(base_url=server.url))
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        body = {"name": "Lea", "password": PASSWORD}
        client.post("/api/login", json=body, headers={"x-csrftoken": token[1]})
        yield client.get


def test_each_version_is_beside_the_one_before(engine: Engine, versions: list[int]) -> None:
    with transaction(engine) as connection:
        rows = list_versions(connection)
        scored = score_versions(rows, {row.id: scores_of(connection, row.id) for row in rows})
    third, second, first = (next(r for r in scored if r.version.id == n) for n in versions[::-1])
    assert first.before is None
    assert [(second.version.id, third.version.id)] == [tuple(versions[1:])]
    assert (second.before.version, third.before.version) == (1, 2)
    assert {"higher"} == {pair.change for pair in second.headlines}
    assert {"overlapping"} == {pair.change for pair in third.headlines}
    assert len(second.headlines) == N_HEADLINES
    assert {*BENCHMARKS} == {pair.benchmark for pair in second.headlines}
    assert all(not pair.stratum for pair in second.headlines)
    assert len({row.sentence for row in scored}) == 3


def test_the_scores_of_all_strata_are_folded(read, versions: list[int]) -> None:
    page = read("/models").text
    unfolded = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "task_type=3" in page
    assert "task_type=3" not in unfolded
    assert unfolded.count('role="img"') == 3 * N_HEADLINES
    assert unfolded.count("0.750 to 0.850") >= 2


def test_two_versions_are_compared(engine: Engine, read, versions: list[int], clock) -> None:
    address = f"/models/versions/{versions[1]}/compare?other={versions[0]}"
    page = read(address)
    assert page.status_code == 200
    assert 2 * 3 * len(STRATA) == page.text.count('<td data-label="Intervals">higher')
    for other in (0, 999, "x"):
        refused = read(f"/models/versions/{versions[1]}/compare?other={other}")
        assert refused.status_code in {400, 404}
    with transaction(engine) as connection:
        elsewhere = register_version(
            connection, model="other", adapter_path="a", adapter_digest="sha256:a", now=clock,
            lineage={},
        )  # fmt: skip
    assert read(f"/models/versions/{versions[1]}/compare?other={elsewhere}").status_code == 404
    make_human_evaluation(engine, clock)
    assert "0.750" not in read(address).text, "hidden while an evaluation is blind"
