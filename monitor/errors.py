"""Errors, in one tree.

A message reads ``<what was wrong>: <value>; <what to do>`` and is written for an operator.
"""

import re
from collections.abc import Mapping
from typing import Any

#: The class of an error from outside, in the text of one that was stored.
_ERROR_CLASS = re.compile(r"\A([A-Za-z_][\w.]*): ")
#: Packages whose errors quote no traffic.
_HARMLESS_PACKAGES = ("kafka", "slack_sdk")


class DriftwardenError(Exception):
    """Raised when driftwarden can't continue; the root of its own errors.

    The message says what was wrong and what to do, for the operator or the user. The code is a
    stable name of the reason, for callers and tests.
    """

    #: Exit status of the process when this error ends it (sysexits.h where one fits).
    exit_status = 1

    def __init__(self, message: str = "", *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ConfigurationError(DriftwardenError):
    """Raised when a setting is unknown, malformed or contradicts another."""

    exit_status = 78  # EX_CONFIG


class TaxonomyError(ConfigurationError):
    """Raised when the task taxonomy is inconsistent; each line of the message is one problem."""


class InputError(DriftwardenError):
    """Raised when an input file or a command-line argument can't be used."""

    exit_status = 2


class UnknownModelError(InputError):
    """Raised when a model isn't listed, or when it must be named because several are.

    Where none was named, the model is ``None``; ``listed`` are those of the configuration.
    """

    def __init__(self, model: str | None, listed: tuple[str, ...]) -> None:
        close = [name for name in listed if model and name.casefold() == model.casefold()]
        problem = (
            "several models are listed: name one by --model"
            if model is None
            else f"unknown model: {model!r}; did you mean {close[0]!r}? Or name one"
            if close
            else f"unknown model: {model!r}; list it in config.toml, or name one"
        )
        super().__init__(f"{problem} of: {', '.join(listed)}", code="unknown_model")


class ModelError(DriftwardenError):
    """Raised when an encoder or language model is missing or can't be loaded."""

    exit_status = 78


class SchemaError(DriftwardenError):
    """Raised when the database schema is not at the revision that this version needs."""

    exit_status = 78


class DatabaseDamagedError(DriftwardenError):
    """Raised when a database, or a copy or backup of one, is damaged or incomplete."""


class DataLossError(DriftwardenError):
    """Raised when a request would lose rows that nobody has agreed to lose."""

    exit_status = 2


class TransientError(DriftwardenError):
    """Raised when a service is unavailable for now; the caller backs off and retries."""

    exit_status = 75  # EX_TEMPFAIL


class DatabaseUnavailableError(TransientError):
    """Raised when the database is unavailable."""


class DatabasePermissionError(DriftwardenError):
    """Raised when the database role of a process may not read or change a table."""

    exit_status = 78


class LostLeadershipError(DatabaseUnavailableError):
    """Raised when the database takes no write of this replica, because another one leads now."""


class BrokerUnavailableError(TransientError):
    """Raised when no Kafka broker is available."""


class BrokerRefusedError(BrokerUnavailableError):
    """Raised when broker and client don't accept each other; its code says why.

    It is transient: certificates and credentials are often mended on the broker.
    """


class DatasetUnavailableError(TransientError):
    """Raised when the store of a data set is unavailable or busy."""


class ChannelUnavailableError(TransientError):
    """Raised when a channel of alerts is unavailable or limits the rate.

    Its code is ``unknown_outcome`` where the channel may have taken the message all the same.
    """

    def __init__(
        self, message: str, retry_after_seconds: float | None = None, *, code: str = ""
    ) -> None:
        super().__init__(message, code=code)
        #: Retry-After of the response, where given.
        self.retry_after_seconds = retry_after_seconds


class ChannelRefusedError(DriftwardenError):
    """Raised when a channel rejects a message permanently: a retry would not help.

    Its code is ``parent_gone`` where the message to update or to reply to was deleted.
    """


class ChannelMisconfiguredError(DriftwardenError):
    """Raised when a channel rejects every message until its configuration is mended."""


class ChildProcessFailedError(DriftwardenError):
    """Raised when a task in a child process had no result.

    Its code is ``time_limit``, ``killed``, ``stopped`` or ``failed``.
    """


class RemoteServiceError(TransientError):
    """Raised when Ray, Kubernetes or MLflow is unavailable or denies access."""


class EndpointUnavailableError(TransientError):
    """Raised when a live endpoint does not respond, or with something that is no completion."""


class GatewayError(DriftwardenError):
    """Raised when a gateway rejects weights, or has not the version that they name.

    Its code is ``missing_version``, ``probe_failed``, ``in_use`` or ``rejected``.
    """


class StaleWeightsError(DriftwardenError):
    """Raised when a gateway holds weights of a newer generation than those to set."""


class LostOwnershipError(DriftwardenError):
    """Raised when another process has advanced a partition's offset; the batch is rolled back."""


class RulesChangedError(DriftwardenError):
    """Raised when the suppression list has changed since a batch was prepared: it isn't stored."""


class RecordError(DriftwardenError):
    """Raised when a record can't be processed; it becomes a dead letter, and reading continues."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        #: A short stable code, such as ``invalid_json``.
        self.reason = reason
        self.detail = detail


class WorkflowError(DriftwardenError):
    """Raised when the state of a review, run or version doesn't allow the request.

    ``page`` is the address of the page that shows the cause; empty: there is none.
    """

    def __init__(self, message: str = "", *, code: str = "", page: str = "") -> None:
        super().__init__(message, code=code)
        self.page = page


class NewerDraftError(WorkflowError):
    """Raised when a page would replace a draft that another tab or browser has saved since."""

    def __init__(self, draft: Mapping[str, Any]) -> None:
        super().__init__(
            "another tab or browser has saved a newer draft of this item; keep one of the two",
            code="newer_draft",
        )
        self.draft = draft


class NotFoundError(WorkflowError):
    """Raised when an object doesn't exist, or isn't visible to the user."""


class LinkError(DriftwardenError):
    """Raised when a one-time link is unknown, used or expired."""


class SignOnError(DriftwardenError):
    """Raised when single sign-on refuses a user, or the provider's reply can't be trusted."""


class SignOnUnavailableError(TransientError):
    """Raised when the provider of single sign-on is unavailable."""


class TrainingError(DriftwardenError):
    """Raised when a training run can't be planned, started or finished."""


class MetricError(DriftwardenError):
    """Raised when a metric can't be loaded, or its value is out of range."""

    exit_status = 78


class JudgeError(DriftwardenError):
    """Raised when a judge model gives no usable judgement; it is counted, never scored."""


#: Errors whose messages quote no traffic.
HARMLESS = (DriftwardenError, OSError, ImportError, MemoryError)


_logged = {"whole": False}


def log_whole_errors(whole: bool) -> None:
    """Choose whether :func:`loggable` returns whole messages: on a developer's own machine."""
    _logged["whole"] = whole


def loggable(error: BaseException) -> str:
    """Return what may be logged of an error: all of driftwarden's own, the class of another.

    Messages from outside may quote what they could not process. So may those of a task in a child
    process, and those of a record, of which the reason is left.
    """
    if _logged["whole"]:
        return str(error) or type(error).__name__
    if isinstance(error, RecordError):
        return error.reason
    if isinstance(error, ChildProcessFailedError):
        return without_quotes(str(error))
    harmless = isinstance(error, HARMLESS) or type(error).__module__.startswith(_HARMLESS_PACKAGES)
    return str(error) if harmless and str(error) else type(error).__name__


def without_quotes(error: str) -> str:
    """Return the text of an error without what may quote the traffic: its class, or its first line.

    Example:
        >>> without_quotes("ValueError: could not convert string to float: 'my card'")
        'ValueError'
    """
    named = _ERROR_CLASS.match(error)
    return named[1] if named else error.split("\n", maxsplit=1)[0]
