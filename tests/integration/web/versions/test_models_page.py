"""The list of versions: headline metrics beside the replaced version, and two compared."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.training.registry import ScoreRow, save_scores, scores_of, version_by_id
from monitor.store.training.versions.serving_order import ServingPeriod, predecessor
from monitor.web.models.version_scores import N_HEADLINES, score_version
from monitor.web.server import BackgroundServer
from retrain.registry.paired_scores import pair_scores_of
from retrain.registry.stages import move_stage, promote, register_version
from tests.support.retrain.candidates import evaluated
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


T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("version", "registered", "replaced"),
    [(1, T, None), (3, T + 2 * DAY, 1), (2, T + DAY, 1), (2, T + 5 * DAY, 1), (4, T + 5 * DAY, 3),
     (5, T + 9 * DAY, 1)],
)  # fmt: skip
def test_a_version_replaced_the_one_in_production(
    version: int, registered: datetime, replaced: int | None
) -> None:
    """Version 2 was rejected, 3 followed 1, and production was reverted to 1; 4 and 5 wait.

    A clock that registers 2 after the promotion of 3 changes nothing.
    """
    periods = [
        ServingPeriod(None, (1,)),
        ServingPeriod(T + 3 * DAY, (1, 3)),
        ServingPeriod(T + 4 * DAY, (3,)),
        ServingPeriod(T + 8 * DAY, (1,)),
    ]
    assert predecessor(periods, version, registered) == replaced
    assert predecessor([], version, registered) is None


def test_a_version_is_compared_on_the_same_items(
    engine: Engine, versions: list[int], clock: datetime, tmp_path: Path
) -> None:
    """Version 2 was rejected; version 3 replaced version 1, whose own scores are of other items."""
    with transaction(engine) as connection:
        promote(connection, versions[0], changed_by="lea", reason="first", now=clock)
        for rejected in versions[1:2]:
            move_stage(
                connection, rejected, "rejected", changed_by="lea", reason="worse", now=clock
            )
        row, first = (version_by_id(connection, versions[at]) for at in (2, 0))
        scores = scores_of(connection, row.id)
        apart = score_version(row, first, scores, pair_scores_of(connection, row, first))
        evaluated(connection, row.id, clock, folder=tmp_path)
        scores = scores_of(connection, row.id)
        both = score_version(row, first, scores, pair_scores_of(connection, row, first))
    assert {pair.change for pair in apart.headlines} == {""}
    assert {pair.before for pair in apart.headlines} == {None}
    (common,) = (pair for pair in both.headlines if pair.change)
    assert (common.benchmark, common.before.value, common.now.value) == ("support", 0.8, 0.9)
    assert len(both.headlines) == N_HEADLINES
    alone = score_version(row, None, scores, ())
    assert len({apart.sentence, both.sentence, alone.sentence}) == 3


def test_the_page_names_the_replaced_version(
    engine: Engine, read, versions: list[int], clock: datetime
) -> None:
    with transaction(engine) as connection:
        promote(connection, versions[0], changed_by="lea", reason="first", now=clock)
        promote(connection, versions[2], changed_by="lea", reason="third", now=clock)
    page = read("/models").text
    third = page.split('<section class="card">')[1]
    assert "with version 1, in production before it" in third
    assert "version 2," not in third
    assert "on the same items" in third
    assert "beside version 1<" in read(f"/models/versions/{versions[2]}/compare").text


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
    assert 2 * 3 * len(STRATA) == page.text.count('<td data-label="Intervals">other items')
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
