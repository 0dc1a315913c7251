"""Check of kafka-python's version, whose internal names this package uses."""

from monitor.errors import ConfigurationError


def require_supported(*, is_known: bool) -> None:
    """Refuse a version of kafka-python without the names that are used.

    Raises:
        ConfigurationError: It has not.
    """
    if not is_known:
        raise ConfigurationError(
            "this version of kafka-python is not supported; install kafka-python<3.1"
        )
