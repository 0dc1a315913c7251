"""The gateway ``none``: weights are rows that the inference server reads."""

from retrain.rollout.gateways.protocol import Applied, Capabilities, ProbeResult, Weights


class RecordOnlyGateway:
    """A gateway that does nothing: the inference server reads the weights from the database."""

    name = "none"
    capabilities = Capabilities(sticky=False, reads_weights=False, probes=False, fenced=False)

    def read(self, model: str) -> Applied | None:  # noqa: ARG002 - the protocol's signature
        """Return nothing: the weights in force are unknown."""
        return None

    def stored(self, model: str) -> Applied | None:  # noqa: ARG002 - the protocol's signature
        """Return nothing: the rows hold the weights."""
        return None

    def set(self, weights: Weights) -> None:
        """Do nothing: the row holds the weights."""

    def remove(self, model: str, version: int) -> None:
        """Do nothing."""

    def probe(self, model: str, version: int) -> ProbeResult:
        """Return a result that says that nothing was sent."""
        return ProbeResult(False, f"{model} v{version}: no gateway is configured to probe", 0.0)
