"""The model hub: whether it responds, so that nothing waits for one that doesn't."""

import logging
import time
from pathlib import Path
from threading import Lock

#: Longest wait for a response, in seconds. The hub's library repeats each request for 23 seconds,
#: for each file of a model, also of one that is on this machine.
PATIENCE_SECONDS = 5.0
#: Time for which an outcome counts, in seconds.
VALID_SECONDS = 60.0

_lock = Lock()
#: Time of the last request, and why the hub didn't respond.
_last: tuple[float, str] | None = None


def reads_locally(location: str) -> bool:
    """Return whether files of a folder or hub id are read from this machine: no request is made."""
    return Path(location).is_dir() or bool(hub_problem())


def hub_problem() -> str:
    """Return why the hub doesn't respond; empty: it does. It is asked once a minute."""
    global _last  # noqa: PLW0603 - one outcome per process
    with _lock:
        if _last is None or time.monotonic() - _last[0] > VALID_SECONDS:
            problem = _request()
            _last = (time.monotonic(), problem)
        return _last[1]


def be_offline_without_hub() -> None:
    """Let no library of this process send requests to a hub that doesn't respond."""
    from huggingface_hub import constants  # noqa: PLC0415 - a tenth of a second

    if hub_problem():
        constants.HF_HUB_OFFLINE = True


def _request() -> str:
    """Send one request, by the hub library's own client and its settings."""
    from huggingface_hub import constants, get_session  # noqa: PLC0415

    _log_once()
    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    try:
        get_session().head(constants.ENDPOINT, timeout=PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from responding
        return f"{constants.ENDPOINT} doesn't respond: {error or type(error).__name__}"
    return ""


def _log_once() -> None:
    """Remove the library's own handler where the process logs: each line would come twice."""
    if logging.getLogger().handlers:
        logger = logging.getLogger("huggingface_hub")
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
