"""The error tree. A message says what is wrong and what to do; it is written for an operator."""


class DriftwardenError(Exception):
    """Raised when driftwarden can't go on; the root of every error it raises on purpose."""

    #: Exit status of the process when this error ends it (sysexits.h where one fits).
    exit_status = 1


class ConfigurationError(DriftwardenError):
    """Raised when a setting is unknown, malformed or contradicts another."""

    exit_status = 78  # EX_CONFIG


class TaxonomyError(ConfigurationError):
    """Raised when the task taxonomy doesn't hold together; a line of the message is a problem."""


class InputError(DriftwardenError):
    """Raised when a file or an argument given on the command line can't be used."""

    exit_status = 2


class ModelError(DriftwardenError):
    """Raised when an encoder or language model is missing or can't be loaded."""

    exit_status = 78


class SchemaError(DriftwardenError):
    """Raised when the database's schema is not the one this version needs."""

    exit_status = 78


class TransientError(DriftwardenError):
    """Raised when a service is away for now; the caller backs off and tries again."""

    exit_status = 75  # EX_TEMPFAIL


class DatabaseUnavailableError(TransientError):
    """Raised when the database doesn't answer."""


class BrokerUnavailableError(TransientError):
    """Raised when no Kafka broker answers."""


class DatasetUnavailableError(TransientError):
    """Raised when whoever keeps a data set doesn't answer, or is busy."""


class SlackUnavailableError(TransientError):
    """Raised when Slack doesn't answer or asks to wait."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        #: How long Slack asked to wait, where it said so.
        self.retry_after_seconds = retry_after_seconds


class SlackRefusedError(DriftwardenError):
    """Raised when Slack refuses a message for good: trying again would change nothing."""


class RemoteServiceError(TransientError):
    """Raised when Ray, Kubernetes or MLflow doesn't answer, or doesn't let us in."""


class LostOwnershipError(DriftwardenError):
    """Raised when another process has moved a partition's offset; the batch was rolled back."""


class RecordError(DriftwardenError):
    """Raised when one record can't be read; it becomes a dead letter and the next one is read."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        #: A short stable code, such as ``invalid_json``.
        self.reason = reason
        self.detail = detail


class WorkflowError(DriftwardenError):
    """Raised when a review, run or version is not in a state that allows what was asked."""


class NotFoundError(WorkflowError):
    """Raised when something doesn't exist, or isn't for the person who asked."""


class LinkError(DriftwardenError):
    """Raised when a one-time link is unknown, used up or has expired."""


class SignOnError(DriftwardenError):
    """Raised when single sign-on refuses a person, or the provider's answer can't be trusted."""


class SignOnUnavailableError(TransientError):
    """Raised when the provider of single sign-on doesn't answer."""


class TrainingError(DriftwardenError):
    """Raised when a training run can't be planned, started or finished."""


class MetricError(DriftwardenError):
    """Raised when a metric can't be loaded, or gives what it may not."""

    exit_status = 78


class JudgeError(DriftwardenError):
    """Raised when a judge model gives no usable judgement; it is counted and never scored."""
