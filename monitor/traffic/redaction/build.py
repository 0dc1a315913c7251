"""Construction of the redactor that ``[redaction]`` configures."""

from monitor.settings import Redaction
from monitor.traffic.redaction.redactor import Redactor


def build_redactor(settings: Redaction) -> Redactor | None:
    """Build the configured redactor; ``None`` where redaction is off.

    Raises:
        ConfigurationError: Presidio is enabled and the package or its model isn't installed.
    """
    if not settings.enabled:
        return None
    if not settings.presidio:
        return Redactor(settings.patterns)
    from monitor.traffic.redaction.presidio import PresidioFinder  # noqa: PLC0415 - takes a second

    return Redactor(settings.patterns, extra_finder=PresidioFinder(settings).find)
