"""Adapters on replicas of vLLM, beneath a gateway that routes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.errors import GatewayError, NotFoundError, RemoteServiceError, TransientError
from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from retrain.registry.stages import register_version
from retrain.rollout.gateways.factory import create_gateway
from retrain.rollout.gateways.in_process import InProcessGateway
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.gateways.vllm import (
    AdaptersOnVllm,
    AllowedAdapters,
    ReplicaSettings,
    StoredAdapter,
    check_adapter,
)
from tests.services.vllm_server import KEY, Replica, running_replica
from tests.support.refusals import refusal
from tests.support.retrain.gateway_kit import GatewayTests, Subject, desk


def write_adapter(folder: Path, **config: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"r": 16, "target_modules": ["q_proj", "v_proj"], "bias": "none", **config}
    (folder / "adapter_config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@dataclass
class Site:
    """Two replicas, a gateway that routes, and the folder of the adapters."""

    replicas: list[Replica]
    router: InProcessGateway
    folder: Path
    #: Chat templates by version.
    templates: dict[int, str] = field(default_factory=dict)

    def adapter_of(self, model: str, version: int) -> StoredAdapter:
        folder = self.folder / model / f"v{version}"
        if not folder.is_dir():
            raise NotFoundError(f"{model}: no version {version}")
        return StoredAdapter(folder, self.templates.get(version, ""))

    def gateway(self, router: Any = None, **settings: Any) -> AdaptersOnVllm:
        addresses = tuple(replica.url for replica in self.replicas)
        replicas = ReplicaSettings(addresses, key=KEY, timeout_seconds=5.0, **settings)
        return AdaptersOnVllm(router or self.router, replicas, AllowedAdapters(), self.adapter_of)

    def loaded(self) -> list[set[str]]:
        return [set(replica.adapters) for replica in self.replicas]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        replicas = [stack.enter_context(running_replica()) for _ in range(2)]
        router = InProcessGateway()
        for model, version in (("desk", 1), ("desk", 2), ("desk", 3), ("tax", 1)):
            router.define(model, version, lambda prompt: prompt)
            write_adapter(tmp_path / model / f"v{version}")
        yield Site(replicas, router, tmp_path)


class TestAdaptersOnVllm(GatewayTests):
    @pytest.fixture
    def subject(self, site: Site) -> Subject:
        def refuse(version: int) -> None:
            site.replicas[1].broken.add(f"desk-v{version}")

        def stop() -> None:
            site.router.available = False
            for replica in site.replicas:
                replica.available = False

        return Subject(site.gateway(), refuse, stop, secrets=(KEY,))


def test_adapter_is_on_each_replica_before_the_first_percent(site: Site) -> None:
    gateway = site.gateway()
    gateway.set(desk(None, 0, 1))
    assert [{"desk-v1"}] * 2 == site.loaded()
    gateway.set(desk(2, 5, 2))
    assert [{"desk-v1", "desk-v2"}] * 2 == site.loaded()
    assert all("desk-v2" in replica.chats for replica in site.replicas)
    gateway.set(desk(None, 0, 3))
    gateway.remove("desk", 2)
    assert [{"desk-v1"}] * 2 == site.loaded()


def test_one_replica_that_cannot_load_stops_the_rollout(site: Site) -> None:
    gateway = site.gateway()
    gateway.set(desk(None, 0, 1))
    site.replicas[1].out_of_memory = True
    with refusal("load_failed", GatewayError, match="out of memory") as caught:
        gateway.set(desk(2, 5, 2))
    assert site.replicas[1].url in str(caught.value)
    assert site.router.version_for("desk") == 1
    assert "desk-v2" not in site.replicas[1].chats
    site.replicas[1].out_of_memory = False
    gateway.set(desk(2, 5, 2))
    assert [{"desk-v1", "desk-v2"}] * 2 == site.loaded()


def test_unavailable_replica_stops_a_start_and_no_revert(site: Site) -> None:
    gateway = site.gateway()
    gateway.set(desk(2, 5, 1))
    site.replicas[0].available = False
    with pytest.raises(RemoteServiceError):
        gateway.set(desk(3, 5, 2))
    gateway.set(desk(None, 0, 3))
    applied = gateway.read("desk")
    assert applied is not None
    assert ({1: 100}, 3) == (applied.shares, applied.generation)


@pytest.mark.parametrize("router", ["unreadable", "record only"])
def test_revert_needs_no_replica_where_weights_are_unknown(site: Site, router: str) -> None:
    gateway = site.gateway(RecordOnlyGateway() if router == "record only" else None)
    gateway.set(desk(2, 5, 1))
    for replica in site.replicas:
        replica.available = False
    if router == "unreadable":
        site.router.read = lambda model: (_ for _ in ()).throw(TransientError("away"))  # type: ignore[method-assign]
    gateway.set(desk(None, 0, 2))


def test_restarted_replica_gets_the_adapters_in_force_again(site: Site) -> None:
    gateway = site.gateway()
    gateway.set(desk(2, 5, 1))
    site.replicas[1].adapters.clear()
    assert not gateway.probe("desk", 2).ok
    applied = gateway.read("desk")
    assert applied is not None
    assert not applied.matches(desk(2, 5, 1))  # so that the weights are set again
    gateway.set(desk(2, 5, 1))
    assert [{"desk-v1", "desk-v2"}] * 2 == site.loaded()
    assert gateway.probe("desk", 2).ok


def test_another_adapter_by_the_same_name_is_refused(site: Site) -> None:
    site.replicas[0].adapters["desk-v2"] = "/old/run/adapter"
    with refusal("rejected", GatewayError, match="/old/run/adapter"):
        site.gateway().set(desk(2, 5, 1))


def test_server_without_runtime_adapters_is_reported(site: Site) -> None:
    site.replicas[0].runtime_updates = False
    with refusal("load_failed", GatewayError, match="VLLM_ALLOW_RUNTIME_LORA_UPDATING"):
        site.gateway().set(desk(2, 5, 1))


def test_versions_with_other_chat_templates_share_no_replica(site: Site) -> None:
    gateway = site.gateway()
    site.templates[2] = "{{ messages }}"
    gateway.set(desk(None, 0, 1))
    with refusal("rejected", GatewayError, match="desk-v2 and desk-v1.*chat_template"):
        gateway.set(desk(2, 5, 2))
    assert [{"desk-v1"}] * 2 == site.loaded()
    gateway.set(desk(3, 5, 3))
    gateway.set(desk(None, 0, 4))
    assert site.router.version_for("desk") == 1


def test_folders_and_templates_are_those_of_the_registry(
    site: Site, engine: Engine, clock: datetime
) -> None:
    with transaction(engine) as connection:
        for version, lineage in ((1, {}), (2, {"chat_template": "{{ messages }}"}), (3, {})):
            register_version(
                connection,
                model="desk",
                adapter_path=str(site.folder / "desk" / f"v{version}"),
                adapter_digest=f"digest {version}",
                lineage=lineage,
                now=clock,
            )
    replicas = [replica.url for replica in site.replicas]
    made = Configuration(models={"desk": {}}, rollout={"vllm": {"replicas": replicas}})
    gateway = create_gateway(made, Secrets(vllm_api_key=KEY), engine)
    with refusal("rejected", GatewayError, match="desk-v2 and desk-v1.*chat_template"):
        gateway.set(desk(2, 5, 1))
    gateway.set(desk(3, 5, 2))
    for replica in site.replicas:
        assert str(site.folder / "desk" / "v3") == replica.adapters["desk-v3"]


def test_path_on_the_replicas_follows_the_template(site: Site) -> None:
    write_adapter(site.folder / "mounted" / "desk-2")
    template = str(site.folder / "mounted" / "{model}-{version}")
    gateway = site.gateway(adapters=template)
    write_adapter(site.folder / "mounted" / "desk-1")
    gateway.set(desk(2, 5, 1))
    assert str(site.folder / "mounted" / "desk-2") == site.replicas[0].adapters["desk-v2"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"r": 64}, "--max-lora-rank 64"),
        ({"rank_pattern": {"q_proj": 32}}, "rank 32"),
        ({"target_modules": ["model.layers.0.mlp.up_proj"]}, "up_proj"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "lm_head"),
        ({"bias": "all"}, "biases"),
    ],
)
def test_adapter_that_the_server_refuses_is_never_loaded(
    tmp_path: Path, config: dict[str, Any], named: str
) -> None:
    folder = write_adapter(tmp_path / "v2", **config)
    allowed = AllowedAdapters(16, ("q_proj", "v_proj"))
    with refusal("rejected", GatewayError, match=named):
        check_adapter("desk-v2", folder, allowed)
    check_adapter("desk-v1", write_adapter(tmp_path / "v1"), allowed)
