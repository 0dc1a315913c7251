"""Weights swapped at seven moments behind a real Envoy, and harmless changes at the same moments.

A server loads what lies in its version's folder when it starts, as an inference server does.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from monitor.errors import WorkflowError
from monitor.store.engine import transaction
from monitor.store.training.candidate_evaluations import candidate_evaluation_by_id
from retrain.evaluation.gate_result import approve, conclude
from retrain.evaluation.lifecycle import start_evaluation
from retrain.identity.digests import tensor_digest
from retrain.rollout.emergency.changed_weights import verifying_refused
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.transitions.start import start_rollout
from tests.services.envoy import Envoy, running_envoy
from tests.services.llm_backends import Version, running_version
from tests.support.refusals import refusal
from tests.support.retrain.candidates import evaluated, make_results, planned
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.recorded_desk import WEIGHTS, RecordedDesk, later
from tests.support.retrain.rollout_desk import settings_of

HOUR = timedelta(hours=1)
#: A quarter of the traffic would serve none of them once in 30 million times.
N_RESPONSES = 60


class DeskGateway(EnvoyGateway):
    """Envoy, as the desk uses its gateway."""

    available = True

    def define(self, *_: object) -> None:
        """Leave the clusters, which are defined."""


@dataclass
class EnvoyDesk(RecordedDesk):
    """A model behind Envoy, with a server for each of two versions."""

    envoy: Envoy = field(kw_only=True)
    #: Of the versions, in their order.
    servers: list[Version] = field(kw_only=True)

    def register(self, **options: object) -> int:
        """Write the files of the next version, register it and start its server."""
        version = super().register(**options)  # type: ignore[arg-type]
        self.restart(len(list(self.folder.glob("v*"))))
        return version

    def restart(self, number: int) -> None:
        """Let a version's server load the folder as it is now."""
        self.servers[number - 1].name = tensor_digest(self.adapter(number))

    def begin(self) -> None:
        """Start the rollout of version 2, as a command does, and let the leader act."""
        version = self.version(2).id
        with (
            verifying_refused(self.engine, self.model, self.now),
            transaction(self.engine) as connection,
        ):
            start_rollout(connection, version, self.settings, self.now, by="lea")
        self.tick()

    def run_until(self, *statuses: str) -> None:
        """Let hours pass until the rollout has one of these statuses."""
        for _ in range(24):
            if self.rollout().status in statuses:
                return
            self.run_hours(1)
        raise AssertionError(self.rollout())

    def responses(self, n: int = N_RESPONSES) -> Counter[str]:
        """Send requests through Envoy; return how many each server's weights have served."""
        with httpx.Client(headers={"x-model": self.model}) as client:
            return Counter(client.get(self.envoy.listener).text for _ in range(n))


def before_evaluation(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    version = desk.register(gates=False)
    change()
    with transaction(desk.engine) as connection:
        row = planned(connection, version, desk.now, desk.folder)
    start_evaluation(desk.engine, row.id, FakeLauncher(), desk.now)
    with transaction(desk.engine) as connection:
        row = candidate_evaluation_by_id(connection, row.id)
        if row.status == "failed":
            raise WorkflowError(row.error or "", code="evaluation_failed")
        conclude(connection, row, make_results(), desk.now)
    desk.begin()


def after_gate_result(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    desk.register()
    change()
    desk.begin()


def after_approval(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    version = desk.register(gates=False)
    with transaction(desk.engine) as connection:
        row = evaluated(connection, version, desk.now, "undecided")
        reason = "the experts have read a sample of it"
        approve(connection, row.id, by="lea", reason=reason, now=desk.now)
    change()
    desk.begin()


def before_first_weights(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    """Change the files when the rollout has started by the rows, and Envoy has no canary yet."""
    desk.start(desk.register())
    change()
    desk.tick()


def between_steps(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    desk.register()
    desk.begin()
    change()


def before_all_traffic(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    desk.register()
    desk.begin()
    desk.run_until("holdback")
    change()
    desk.run_until("reverted", "completed")


def in_production(desk: EnvoyDesk, change: Callable[[], None]) -> None:
    desk.register()
    desk.begin()
    desk.run_until("completed")
    change()


#: With the code of the error where weights are swapped; empty: the rollout has started before.
MOMENTS = {
    before_evaluation: "evaluation_failed",
    after_gate_result: "weights_changed",
    after_approval: "weights_changed",
    before_first_weights: "",
    between_steps: "",
    before_all_traffic: "",
    in_production: "",
}
each_moment = pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
#: Where harmless changes are made in each run, at both ends of a rollout; the others are a drill.
SHORT = {before_evaluation, in_production}


def model_of(moment: Callable[..., None], kind: str) -> str:
    return f"{moment.__name__.replace('_', '-')}-{kind}"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Envoy, list[Version]]]:
    """Run Envoy and two servers, which the versions of each model use in turn."""
    with ExitStack() as stack:
        servers = [stack.enter_context(running_version("")) for _ in range(2)]
        models = [model_of(moment, kind) for moment in MOMENTS for kind in ("swapped", "harmless")]
        clusters = {
            f"{model}-v{n}": server.port for model in models for n, server in enumerate(servers, 1)
        }
        folder = tmp_path_factory.mktemp("envoy")
        yield stack.enter_context(running_envoy(folder, clusters)), servers


@pytest.fixture
def make_desk(
    engine: Engine, tmp_path: Path, services: tuple[Envoy, list[Version]]
) -> Callable[[str], EnvoyDesk]:
    envoy, servers = services

    def make(model: str) -> EnvoyDesk:
        gateway = DeskGateway(
            envoy.routes, RouteNames(), [envoy.admin], [envoy.listener], ProbeRequest()
        )
        return EnvoyDesk(
            engine, later(), settings_of(model, stages=[25, 100]), gateway,  # type: ignore[arg-type]
            folder=tmp_path, envoy=envoy, servers=servers,
        )  # fmt: skip

    return make


@each_moment
def test_swapped_weights_get_no_rollout(
    make_desk: Callable[[str], EnvoyDesk], moment: Callable[..., None]
) -> None:
    desk = make_desk(model_of(moment, "swapped"))
    good = tensor_digest(desk.adapter(1))

    def swap() -> None:
        desk.swap(2)
        desk.restart(2)

    code = MOMENTS[moment]
    if code:
        with refusal(code, WorkflowError, match=WEIGHTS):
            moment(desk, swap)
    else:
        moment(desk, swap)
    desk.verify(HOUR)
    bad = tensor_digest(desk.adapter(2))
    if moment is in_production:
        assert desk.responses() == {bad: N_RESPONSES}  # it stays, and somebody is paged
    else:
        assert desk.responses() == {good: N_RESPONSES}
        assert (desk.version(1).stage, desk.in_force()) == ("production", (1, None, 0))
    if moment is before_first_weights:
        assert {canary for _, canary, _ in desk.seen} == {None}
    expected = [] if moment is before_evaluation else [{"version 2"}]
    assert [incident.fingerprint for incident in desk.incidents()] == expected


@pytest.mark.parametrize(
    "moment",
    [moment if moment in SHORT else pytest.param(moment, marks=pytest.mark.drill)
     for moment in MOMENTS],
    ids=lambda moment: moment.__name__,
)  # fmt: skip
def test_harmless_changes_let_a_rollout_go_on(
    make_desk: Callable[[str], EnvoyDesk], moment: Callable[..., None]
) -> None:
    desk = make_desk(model_of(moment, "harmless"))

    def touch() -> None:
        desk.add_what_is_harmless(2)
        desk.restart(2)

    moment(desk, touch)
    desk.verify(HOUR)
    assert desk.rollout().status in {"running", "completed"}
    assert desk.responses()[tensor_digest(desk.adapter(2))] > 0
    assert desk.incidents() == []
