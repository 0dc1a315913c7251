"""Mirror of the registry in a real MLflow server: aliases, lineage, scores, failures."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine

from bench.services.requirement import free_port
from monitor.settings import Mlflow, Secrets
from monitor.store.engine import transaction
from monitor.store.training import registry as store
from monitor.store.training.candidate_results import StratumScore
from monitor.store.training.registry_mirrors import list_mirrors
from retrain.registry.mlflow_mirror import FIRST_DELAY, MlflowMirror, mirror_registry
from retrain.registry.stages import move_stage, promote, register_version, roll_back, store_scores
from tests.services.mlflow_server import mlflow_address  # noqa: F401 - fixture

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(240)]


class Mirrored:
    """A registry of one model, and its mirror in MLflow."""

    def __init__(self, engine: Engine, address: str, now: datetime) -> None:
        self.engine = engine
        self.address = address
        self.now = now
        self.model = f"desk-{uuid4().hex[:8]}"
        mirror = MlflowMirror.build(Mlflow(tracking_url=address), Secrets())
        assert mirror is not None
        self.mirror = mirror

    def register(self, **lineage: Any) -> int:
        with transaction(self.engine) as connection:
            return register_version(
                connection, model=self.model, adapter_path="runs/run-00001/adapter",
                adapter_digest="sha256:0", lineage={"seed": 1, **lineage}, now=self.now,
            )  # fmt: skip

    def move(self, version_id: int, stage: str) -> None:
        with transaction(self.engine) as connection:
            move_stage(connection, version_id, stage, changed_by="lea", reason="", now=self.now)

    def follow(self, mirror: MlflowMirror | None = None, later: timedelta = timedelta(0)) -> int:
        return mirror_registry(self.engine, mirror or self.mirror, self.now + later)

    def ask(self, path: str, **query: str) -> Any:
        return httpx.get(f"{self.address}/api/2.0/mlflow/{path}", params=query).json()

    def aliases(self) -> dict[str, str]:
        """Return alias -> driftwarden's version number."""
        model = self.ask("registered-models/get", name=self.model)["registered_model"]
        ours = {version: tags["driftwarden.version"] for version, tags in self.tags().items()}
        return {entry["alias"]: ours[entry["version"]] for entry in model.get("aliases", [])}

    def tags(self) -> dict[str, dict[str, str]]:
        """Return the tags of each version, by MLflow's number."""
        matches = self.ask("model-versions/search", filter=f"name='{self.model}'")
        return {
            match["version"]: {tag["key"]: tag["value"] for tag in match.get("tags", [])}
            for match in matches["model_versions"]
        }


@pytest.fixture
def mirrored(engine: Engine, clock: datetime, mlflow_address: str) -> Mirrored:  # noqa: F811
    return Mirrored(engine, mlflow_address, clock)


def test_aliases_follow_promotions_and_rollbacks(mirrored: Mirrored) -> None:
    first, second = mirrored.register(), mirrored.register()
    mirrored.move(first, "production")
    assert mirrored.follow() == 1
    assert mirrored.aliases() == {"champion": "1", "challenger": "2"}
    mirrored.move(second, "canary")
    third = mirrored.register()
    mirrored.follow()
    assert mirrored.aliases() == {"champion": "1", "challenger": "2"}  # it is rolled out
    mirrored.move(second, "production")
    mirrored.follow()
    assert mirrored.aliases() == {"champion": "2", "challenger": "3"}
    mirrored.move(third, "rejected")
    mirrored.follow()
    assert mirrored.aliases() == {"champion": "2"}
    with transaction(mirrored.engine) as connection:
        roll_back(connection, mirrored.model, changed_by="lea", reason="worse", now=mirrored.now)
    mirrored.follow()
    assert mirrored.aliases() == {"champion": "1"}
    assert [tags["driftwarden.stage"] for _, tags in sorted(mirrored.tags().items())] == [
        "production", "archived", "rejected",
    ]  # fmt: skip


def test_lineage_and_scores_are_tags(mirrored: Mirrored) -> None:
    version = mirrored.register(data_digest="sha256:1", versions={"trl": "1.16"})
    scores = [StratumScore("split=new", "exact_match", 0.875, 0.8, 0.9, 40)]
    with transaction(mirrored.engine) as connection:
        store_scores(connection, version, "acceptance", scores, mirrored.now)
    mirrored.follow()
    (tags,) = mirrored.tags().values()
    assert tags["driftwarden.lineage.data_digest"] == "sha256:1"
    assert tags["driftwarden.lineage.versions"] == '{"trl": "1.16"}'
    assert tags["driftwarden.adapter"] == "runs/run-00001/adapter"
    assert tags["driftwarden.score.acceptance.split-new.exact_match"] == (
        "0.8750 [0.8000, 0.9000] n=40"
    )
    with transaction(mirrored.engine) as connection:  # measured again
        again = [StratumScore("split=new", "exact_match", 0.9, 0.8, 0.95, 80)]
        store_scores(connection, version, "acceptance", again, mirrored.now)
    assert mirrored.follow() == 1
    (tags,) = mirrored.tags().values()
    assert tags["driftwarden.score.acceptance.split-new.exact_match"].startswith("0.9000 ")


def test_mirror_follows_twice_without_changes(mirrored: Mirrored) -> None:
    mirrored.move(mirrored.register(), "production")
    assert (mirrored.follow(), mirrored.follow()) == (1, 0)
    with transaction(mirrored.engine) as connection:
        rows = store.list_versions(connection, mirrored.model)
    mirrored.mirror.follow(mirrored.model, rows, {})  # as after a crash before it was noted
    assert len(mirrored.tags()) == 1
    assert mirrored.aliases() == {"champion": "1"}


def test_versions_that_others_made_there_are_left_alone(mirrored: Mirrored) -> None:
    api = f"{mirrored.address}/api/2.0/mlflow"
    httpx.post(f"{api}/registered-models/create", json={"name": mirrored.model})
    outlier = {"name": mirrored.model, "source": "s3://elsewhere/model"}
    httpx.post(f"{api}/model-versions/create", json=outlier)
    mirrored.move(mirrored.register(), "production")
    mirrored.follow()
    assert mirrored.tags()["1"] == {}
    assert mirrored.tags()["2"]["driftwarden.version"] == "1"


def test_a_name_that_mlflow_does_not_take_is_written_otherwise(mirrored: Mirrored) -> None:
    wanted = mirrored.model
    mirrored.model = f"org/{wanted}:v"
    mirrored.register()
    mirrored.follow()
    mirrored.model = f"org-{wanted}-v"
    assert mirrored.aliases() == {"challenger": "1"}


def test_a_promotion_does_not_wait_for_mlflow(mirrored: Mirrored) -> None:
    """The mirror retries with growing delays and then sends the current state."""
    version = mirrored.register()
    closed = f"http://127.0.0.1:{free_port()}"
    away = MlflowMirror.build(Mlflow(tracking_url=closed), Secrets())
    with transaction(mirrored.engine) as connection:
        promote(connection, version, changed_by="lea", reason="first", now=mirrored.now)
    assert mirrored.follow(away) == 0
    with transaction(mirrored.engine) as connection:
        (row,) = list_mirrors(connection)
        assert store.version_by_id(connection, version).stage == "production"
    assert (row.attempts, row.n_mirrored) == (1, 0)
    assert closed in str(row.error)
    assert mirrored.follow(later=FIRST_DELAY / 2) == 0  # not yet
    assert mirrored.follow(away, later=FIRST_DELAY) == 0
    assert mirrored.follow(later=2 * FIRST_DELAY) == 0  # the second wait is longer
    assert mirrored.follow(later=4 * FIRST_DELAY) == 1
    assert mirrored.aliases() == {"champion": "1"}
    with transaction(mirrored.engine) as connection:
        (row,) = list_mirrors(connection)
    assert (row.attempts, row.error, row.n_mirrored) == (0, None, row.n_changes)


def test_a_change_while_it_follows_stays_due(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = mirrored.register()
    followed = MlflowMirror.follow

    def slow(self: MlflowMirror, *arguments: Any) -> None:
        followed(self, *arguments)
        if not promoted:
            promoted.append(True)
            mirrored.move(version, "production")

    promoted: list[bool] = []
    monkeypatch.setattr(MlflowMirror, "follow", slow)
    assert (mirrored.follow(), mirrored.follow(), mirrored.follow()) == (1, 1, 0)
    assert mirrored.aliases() == {"champion": "1"}


def test_the_server_is_checked(mirrored: Mirrored) -> None:
    assert mirrored.mirror.check() == f"MLflow 3.17.2 at {mirrored.address}"
    assert MlflowMirror.build(Mlflow(), Secrets()) is None
