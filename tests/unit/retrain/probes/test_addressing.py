"""Headers that select a version, by the settings or by Envoy's routes."""

from pathlib import Path

from monitor.settings import Rollout, Settings
from monitor.settings.models.table import ModelSection
from monitor.settings.monitoring import Probes
from retrain.probes.addressing import address_of
from retrain.rollout.gateways.envoy_routes import RouteDocument, RouteNames
from retrain.rollout.gateways.probes import PROBE_HEADER
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.settings import Envoy


def settings_of(rollout: Rollout, **probes: str) -> Settings:
    return Settings(model=ModelSection(name="desk"), rollout=rollout, probes=Probes(**probes))


def test_routes_of_envoy_address_the_versions_they_probe(tmp_path: Path) -> None:
    document = RouteDocument(None, RouteNames())
    document.write(Weights("desk", 1, 2, 5, 1))
    document.add_probe("desk", 2, "desk-v2 secret")
    (tmp_path / "routes.json").write_text(document.text(), encoding="utf-8")
    envoy = Envoy(routes=str(tmp_path / "routes.json"))
    settings = settings_of(Rollout(gateway="envoy", envoy=envoy))
    canary = address_of(settings, 2)
    assert canary.headers == {"x-model": "desk", PROBE_HEADER: "desk-v2 secret"}
    assert canary.needs_label
    # Never probed: its responses are told by the header that the routes add.
    stable = address_of(settings, 1)
    assert (stable.headers, stable.selects_version) == ({"x-model": "desk"}, False)
    assert (stable.label_header, stable.needs_label) == ("x-model-version", False)


def test_version_header_outranks_routes_of_envoy(tmp_path: Path) -> None:
    rollout = Rollout(gateway="envoy", envoy=Envoy(routes=str(tmp_path / "none.json")))
    address = address_of(settings_of(rollout, version_header="x-version"), 3)
    assert address.headers["x-version"] == "desk-v3"
    assert not address_of(settings_of(rollout, version_header="x-version"), None).selects_version
