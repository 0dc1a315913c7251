"""Adapters on the replicas of vLLM: loaded before a gateway sends them traffic, unloaded after."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.errors import DriftwardenError, GatewayError, NotFoundError, TransientError, loggable
from monitor.telemetry import get_logger
from retrain.rest import RestService, bearer
from retrain.rollout.gateways.calls import call
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.probes import chat_request, model_is, require_success, send_probe
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    Gateway,
    ProbeResult,
    Weights,
    first_traffic,
)


@dataclass(frozen=True)
class StoredAdapter:
    """A version's adapter, as the registry has it."""

    folder: Path
    #: Text of the template that replaces the base's; empty: the base's.
    chat_template: str = ""


#: Returns the adapter of a model's version.
AdapterSource = Callable[[str, int], StoredAdapter]

#: Longest wait for a replica that lists its adapters, and for one that loads an adapter.
_LIST_SECONDS, _LOAD_SECONDS = 5.0, 300.0

log = get_logger(__name__)


@dataclass(frozen=True)
class AllowedAdapters:
    """The adapters that the replicas accept, by their start options."""

    max_lora_rank: int = 16
    #: Modules that may be adapted; empty: all that vLLM knows.
    target_modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReplicaSettings:
    """Access to the replicas."""

    #: Addresses of vLLM; a host name with several addresses is several replicas.
    addresses: tuple[str, ...]
    #: Path of an adapter on the replicas, with ``{path}`` (that of the registry), ``{model}``,
    #: ``{version}`` and ``{name}``.
    adapters: str = "{path}"
    #: API key of vLLM; empty: none.
    key: str = ""
    #: Time limit of a probe.
    timeout_seconds: float = 30.0


class AdaptersOnVllm:
    """A gateway whose versions are adapters of vLLM.

    The adapters are named ``MODEL-vVERSION``. Another gateway routes by these names; it is asked to
    send a version its first percent only when each replica has loaded it and responds. That is
    ``router``. The replicas accept adapters as ``allowed`` says; ``adapter_of`` is the registry.
    """

    def __init__(
        self,
        router: Gateway,
        replicas: ReplicaSettings,
        allowed: AllowedAdapters,
        adapter_of: AdapterSource,
    ) -> None:
        self._router = router
        self._replicas = replicas
        self._allowed = allowed
        self._adapter_of = adapter_of

    @property
    def name(self) -> str:
        """The name of the gateway that routes."""
        return self._router.name

    @property
    def capabilities(self) -> Capabilities:
        """The abilities of the gateway that routes; the replicas are probed in any case."""
        able = self._router.capabilities
        return Capabilities(able.sticky, able.reads_weights, probes=True, fenced=able.fenced)

    def read(self, model: str) -> Applied | None:
        """Return the weights in force; an adapter that a replica has lost is unexpected.

        A replica that doesn't respond is left to the gateway that routes.
        """
        applied = self._router.read(model)
        if applied is None:
            return None
        lost = tuple(self._lost_adapters(model, applied))
        return replace(applied, unexpected=(*applied.unexpected, *lost))

    def stored(self, model: str) -> Applied | None:
        """Return the weights that the gateway that routes has stored."""
        return self._router.stored(model)

    def set(self, weights: Weights) -> None:
        """Load what is new to the traffic, set the weights, then load what a replica has lost.

        Raises:
            GatewayError: A replica can't load an adapter, or would render the prompts of one by the
                chat template of another; the weights in force stay.
            TransientError: A replica is unavailable that must load an adapter.
        """
        new = self._new_versions(weights)
        if new:
            self._require_one_template(weights)
        for version in new:
            self._load_everywhere(weights.model, version)
        self._router.set(weights)
        for version in weights.shares:
            if version not in new:
                self._reload(weights.model, version)

    def remove(self, model: str, version: int) -> None:
        """Unload the adapter of a version without traffic from each replica."""
        self._router.remove(model, version)
        name = cluster_name(model, version)
        for replica in self._each_replica():
            if name in _loaded(replica):
                body = {"lora_name": name}
                call(replica, "POST", "/v1/unload_lora_adapter", body, expected=frozenset({404}))

    def probe(self, model: str, version: int) -> ProbeResult:
        """Send a probe to a version at each replica, and through the gateway that routes."""
        results = [self._probe(replica, model, version) for replica in self._each_replica()]
        if self._router.capabilities.probes:
            results.append(self._router.probe(model, version))
        return max(results, key=lambda result: (not result.ok, result.latency_seconds))

    def _lost_adapters(self, model: str, applied: Applied) -> Iterator[str]:
        for replica in self._each_replica():
            try:
                loaded = _loaded(replica)
            except DriftwardenError:
                continue
            for version in applied.shares:
                name = cluster_name(model, version)
                if name not in loaded:
                    yield f"{name} is not loaded at {replica.url}"

    def _new_versions(self, weights: Weights) -> list[int]:
        """Return the versions that must be loaded first.

        Where the weights in force are unknown, that is the canary only: a revert must not wait for
        a replica.
        """
        try:
            in_force = self._router.read(weights.model)
        except TransientError:
            in_force = None
        if in_force is not None:
            return first_traffic(weights, in_force)
        return [version for version in weights.shares if version == weights.canary]

    def _require_one_template(self, weights: Weights) -> None:
        """Require that the versions with traffic were trained with one chat template."""
        templates: dict[int, str] = {}
        for version in weights.shares:
            with suppress(NotFoundError):  # it is refused where it must be loaded
                templates[version] = self._adapter_of(weights.model, version).chat_template
        if len(set(templates.values())) > 1:
            versions = " and ".join(cluster_name(weights.model, number) for number in templates)
            raise GatewayError(
                f"{versions} were trained with different chat templates (`chat_template` of their "
                "recipes), and a replica renders one for all its adapters; serve the new version "
                "from servers of its own, started with its template, behind another gateway",
                code="rejected",
            )

    def _load_everywhere(self, model: str, version: int) -> None:
        folder = self._folder(model, version)
        check_adapter(cluster_name(model, version), folder, self._allowed)
        for replica in self._each_replica():
            self._load(replica, model, version, folder)
            require_success(self._probe(replica, model, version))

    def _reload(self, model: str, version: int) -> None:
        """Load a version in force where a replica has lost it, such as by a restart."""
        try:
            folder = self._folder(model, version)
            for replica in self._each_replica():
                self._load(replica, model, version, folder)
        except DriftwardenError as error:  # the weights are set; a probe tells it
            log.warning("adapter_not_reloaded", model=model, version=version, error=loggable(error))

    def _load(self, replica: RestService, model: str, version: int, folder: Path) -> None:
        name = cluster_name(model, version)
        path = self._replicas.adapters.format(path=folder, model=model, version=version, name=name)
        if self._is_loaded(replica, name, path):
            return
        body = {"lora_name": name, "lora_path": path}
        response = replace(replica, timeout_seconds=_LOAD_SECONDS).request(
            "POST", "/v1/load_lora_adapter", json=body, expected=frozenset({500, 503})
        )
        if not self._is_loaded(replica, name, path):
            raise GatewayError(
                f"{name}: the replica {replica.url} can't load {path} ({response.status_code}): "
                f"{replica.quoted(response)}; nothing was sent to it. {_hint(response.text)}",
                code="load_failed",
            )

    def _is_loaded(self, replica: RestService, name: str, path: str) -> bool:
        root = _loaded(replica).get(name)
        if root not in {None, "", path}:
            raise GatewayError(
                f"{name}: the replica {replica.url} has another adapter by this name, {root} "
                f"instead of {path}; unload it there",
                code="rejected",
            )
        return root is not None

    def _folder(self, model: str, version: int) -> Path:
        try:
            return self._adapter_of(model, version).folder.resolve()
        except NotFoundError as error:
            raise GatewayError(
                f"{cluster_name(model, version)}: not in the registry; register the version "
                "before it gets traffic",
                code="missing_version",
            ) from error

    def _probe(self, replica: RestService, model: str, version: int) -> ProbeResult:
        name, seconds = cluster_name(model, version), self._replicas.timeout_seconds
        request = chat_request(name, key=self._replicas.key, timeout_seconds=seconds)
        return send_probe(name, replica.url, request, proof=model_is(name), missing_statuses={404})

    def _each_replica(self) -> Iterator[RestService]:
        for address in self._replicas.addresses:
            for url in _addresses_of(address):
                yield RestService(
                    name="vLLM",
                    url=url,
                    headers=lambda: bearer(self._replicas.key),
                    access_hint="Set VLLM_API_KEY to the key of its --api-key",
                    timeout_seconds=_LIST_SECONDS,
                )


def check_adapter(name: str, folder: Path, allowed: AllowedAdapters) -> None:
    """Check an adapter against what the replicas accept.

    Raises:
        GatewayError: The adapter is missing (``missing_version``), or its rank, its modules or its
            kind is not accepted (``rejected``).
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GatewayError(
            f"{name}: no adapter in {folder}: {error}; is the folder of the runs mounted here?",
            code="missing_version",
        ) from error
    problems = list(_problems(config, allowed))
    if problems:
        raise GatewayError(f"{name}: vLLM can't serve it: {'; '.join(problems)}", code="rejected")


def _problems(config: dict[str, Any], allowed: AllowedAdapters) -> Iterator[str]:
    ranks = [config.get("r", 0), *(config.get("rank_pattern") or {}).values()]
    rank = max(int(value) for value in ranks)
    if rank > allowed.max_lora_rank:
        yield (
            f"rank {rank} is above rollout.vllm.max_lora_rank = {allowed.max_lora_rank}; start "
            f"vLLM with --max-lora-rank {rank}, and set it"
        )
    targets: Sequence[str] | str = config.get("target_modules") or ()
    if allowed.target_modules and not isinstance(targets, str):
        refused = sorted({t.rpartition(".")[2] for t in targets} - set(allowed.target_modules))
        if refused:
            yield f"{', '.join(refused)} not among rollout.vllm.target_modules; allow or omit them"
    if config.get("use_dora"):
        yield "it uses DoRA; merge it into the base model"
    if config.get("modules_to_save"):
        yield f"it has whole modules: {', '.join(config['modules_to_save'])}; train without them"
    if config.get("bias", "none") != "none":
        yield f"it has biases ({config['bias']}); train without them"


def _loaded(replica: RestService) -> dict[str, str]:
    """Return the models of a replica, with their paths."""
    listed = call(replica, "GET", "/v1/models").json().get("data") or []
    return {str(model["id"]): str(model.get("root") or "") for model in listed}


def _hint(text: str) -> str:
    """Return what to do about a refusal of vLLM."""
    if "Not Found" in text:
        return "Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
    if "max_lora_rank" in text:
        return "Start vLLM with a larger --max-lora-rank"
    return "Is the path mounted there (rollout.vllm.adapters)?"


def _addresses_of(address: str) -> list[str]:
    """Return the addresses of the replicas behind one: of http://, each that the name has.

    Raises:
        TransientError: The name can't be resolved.
    """
    parts = urlsplit(address)
    if parts.scheme != "http":
        return [address]
    try:
        entries = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransientError(
            f"vLLM at {address} is unavailable: {error}", code="unavailable"
        ) from error
    hosts = sorted({entry[4][0] for entry in entries if entry[0] == socket.AF_INET})
    if not hosts:
        hosts = [f"[{entry[4][0]}]" for entry in entries]
    return [f"http://{host}:{parts.port or 80}" for host in hosts]
