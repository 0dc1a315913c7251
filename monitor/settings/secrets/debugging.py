"""The switch that logs whole errors, on one's own machine."""

from monitor.errors import ConfigurationError, log_whole_errors
from monitor.settings.secrets.database_url import database_hosts, hide_password, is_this_machine


def apply_debugging(value: str, database_url: str) -> None:
    """Log the messages of all errors from now on, or no longer.

    The value is that of ``DRIFTWARDEN_DEBUG``.

    Raises:
        ConfigurationError: The variable has another value than 0 or 1, or it is 1 and the database
            is on another machine: the log would quote its traffic.
    """
    if value not in {"", "0", "1"}:
        raise ConfigurationError(
            f"DRIFTWARDEN_DEBUG: {value!r}; set it to 1 or 0, or unset it",
            code="unknown_debug_value",
        )
    if value == "1" and not _is_own(database_url):
        raise ConfigurationError(
            "DRIFTWARDEN_DEBUG=1 logs what errors quote of the traffic, and the database is on "
            f"another machine: {hide_password(database_url)}; unset it, or use one on this machine",
            code="debug_refused",
        )
    log_whole_errors(value == "1")


def _is_own(database_url: str) -> bool:
    return database_url.startswith("sqlite") or all(
        map(is_this_machine, database_hosts(database_url))
    )
