"""The protocol of traffic gateways."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.errors import GatewayError, StaleWeightsError, TransientError


@dataclass(frozen=True)
class Weights:
    """The desired shares of a model's traffic.

    Raises:
        ValueError: A share without a canary, a share that is no percentage, or a canary that is
            the stable version.
    """

    model: str
    stable: int
    canary: int | None
    #: 0 to 100; the stable version has the rest.
    canary_percent: int
    #: Rises with each change of the model's weights.
    generation: int

    def __post_init__(self) -> None:
        if not 0 <= self.canary_percent <= 100:
            raise ValueError(f"canary_percent = {self.canary_percent}: must be 0 to 100")
        if self.canary is None and self.canary_percent:
            raise ValueError("a share of the traffic needs a canary")
        if self.canary == self.stable:
            raise ValueError(f"canary = {self.canary}: is the stable version")

    @property
    def shares(self) -> dict[int, int]:
        """The percentage of each version that gets traffic, the canary's first."""
        shares = {} if self.canary is None else {self.canary: self.canary_percent}
        shares[self.stable] = 100 - self.canary_percent
        return {version: percent for version, percent in shares.items() if percent}


@dataclass(frozen=True)
class Applied:
    """The shares of a model's traffic that are in force, read back from the gateway."""

    model: str
    #: Number of the version with the larger share, or of the only one.
    stable: int
    #: Number of the other version, if any gets traffic.
    canary: int | None
    #: Share of the canary, rounded.
    canary_percent: int
    #: Generation of the weights that the gateway carries.
    generation: int
    #: Anything else that gets traffic of the model, such as a backend defined by hand.
    unexpected: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[int, int]:
        """The percentage of each version that gets traffic."""
        shares = {self.stable: 100 - self.canary_percent}
        if self.canary is not None:
            shares[self.canary] = self.canary_percent
        return {version: percent for version, percent in shares.items() if percent}

    def matches(self, weights: Weights) -> bool:
        """Return whether these are the desired weights, of their generation or a newer one."""
        return (
            not self.unexpected
            and self.model == weights.model
            and self.shares == weights.shares
            and self.generation >= weights.generation
        )


@dataclass(frozen=True)
class Capabilities:
    """The abilities of a gateway."""

    #: A user stays with a version while the weights rise.
    sticky: bool
    #: :meth:`Gateway.read` returns the weights in force.
    reads_weights: bool
    #: :meth:`Gateway.probe` sends a request to a version that gets no traffic yet.
    probes: bool
    #: Of two concurrent calls of ``set``, the newer generation always prevails.
    fenced: bool


@dataclass(frozen=True)
class ProbeResult:
    """The result of a request to one version, through the gateway."""

    #: Whether the version responded.
    ok: bool
    #: What was sent where, and the response, for the operator.
    detail: str
    #: Time until the response.
    latency_seconds: float
    #: The gateway doesn't know the version.
    missing: bool = False


class Gateway(Protocol):
    """A traffic gateway, which splits each model's traffic between two versions.

    Every method raises :class:`monitor.errors.TransientError` where the gateway is unavailable,
    and :class:`monitor.errors.GatewayError` where it rejects what was sent.
    """

    @property
    def name(self) -> str:
        """The value of ``rollout.gateway``."""

    @property
    def capabilities(self) -> Capabilities:
        """The abilities of this gateway, as it is configured."""

    def read(self, model: str) -> Applied | None:
        """Return the weights in force; ``None`` where the gateway has none of the model."""

    def stored(self, model: str) -> Applied | None:
        """Return the weights that were last written, which may not be in force.

        For reverts while :meth:`read` fails: it asks as few services as possible.
        """

    def set(self, weights: Weights) -> None:
        """Apply the weights of one model; leave other models as they are. Idempotent.

        A version that gets no traffic yet is checked and probed first; if it fails, the weights in
        force stay. Weights that send no version its first traffic need no check, so that a
        rollout can always be reverted.

        Raises:
            StaleWeightsError: Weights of a newer generation are in force.
            GatewayError: A version is missing (code ``missing_version``) or does not respond to the
                probe (``probe_failed``).
        """

    def remove(self, model: str, version: int) -> None:
        """Remove what the gateway holds for a version without traffic. Idempotent.

        Raises:
            GatewayError: The version gets traffic (code ``in_use``).
        """

    def probe(self, model: str, version: int) -> ProbeResult:
        """Send a request to a version through the gateway, whatever its share."""


def require_newest(weights: Weights, in_force: "Applied | Weights | None") -> None:
    """Refuse weights that are older than those in force.

    Equal generations are the same row, which is applied again.

    Raises:
        StaleWeightsError: The weights are older.
    """
    if in_force is not None and weights.generation < in_force.generation:
        raise StaleWeightsError(
            f"{weights.model}: weights of generation {weights.generation} are older than those in "
            f"force, {in_force.generation}; read the weights again",
            code="stale_weights",
        )


def first_traffic(weights: Weights, in_force: "Applied | Weights | None") -> list[int]:
    """Return the versions that get traffic by the weights and get none now."""
    shares_in_force = in_force.shares if in_force else {}
    return [version for version in weights.shares if not shares_in_force.get(version)]


def applied_shares(
    model: str,
    weights: Mapping[int, float],
    generation: int,
    *,
    stable: int | None = None,
    unexpected: Sequence[str] = (),
) -> Applied | None:
    """Return the shares that the weights of a model's versions mean, whatever their sum.

    Where the gateway doesn't know the stable version, it is that of the larger weight. Backends in
    ``unexpected`` are no version of the model, and get its traffic. A third version, and a share
    that is no whole percentage, are ``unexpected``, too. The result is ``None`` where no version
    has a weight.
    """
    positive = {version: weight for version, weight in weights.items() if weight > 0}
    total = sum(positive.values())
    ranked = sorted(positive, key=lambda v: (v == stable, positive[v], -v), reverse=True)
    if not ranked:
        return None
    strange = list(unexpected)
    canary = ranked[1] if len(ranked) > 1 else None
    for version in ranked:
        percent = 100 * positive[version] / total
        if version not in {ranked[0], canary} or abs(percent - round(percent)) > 1e-6:
            strange.append(f"v{version} at {percent:.3g}%")
    percent = round(100 * positive[canary] / total) if canary is not None else 0
    return Applied(model, ranked[0], canary, percent, generation, tuple(strange))


def whole_number(value: Any) -> int:
    """Return a number that a gateway stores; 0 where somebody has replaced it by something else.

    >>> whole_number(7.0), whole_number("7"), whole_number("seven"), whole_number(None)
    (7, 7, 0, 0)
    """
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def require_unused(model: str, version: int, applied: Applied | None) -> None:
    """Raise ``GatewayError`` for the removal of a version that gets traffic."""
    percent = applied.shares.get(version, 0) if applied else 0
    if percent:
        raise GatewayError(
            f"{model} v{version}: gets {percent}% of the traffic; revert it before it is removed",
            code="in_use",
        )


def wait_until_applied(
    gateway: Gateway,
    weights: Weights,
    timeout_seconds: float,
    *,
    poll_seconds: float = 0.1,
) -> Applied | None:
    """Read the weights back until they are those that were set, or until the time is over.

    Return what was read last; it ``matches`` the weights if the gateway has taken them. It is
    ``None`` where the gateway reads no weights, or has none of the model.

    Raises:
        TransientError: The gateway is unavailable at the end of the time.
    """
    if not gateway.capabilities.reads_weights:
        return None
    deadline = time.monotonic() + timeout_seconds
    while True:
        applied, error = None, None
        try:
            applied = gateway.read(weights.model)
        except TransientError as caught:
            error = caught
        if (applied and applied.matches(weights)) or time.monotonic() >= deadline:
            if error:
                raise error
            return applied
        time.sleep(poll_seconds)
