"""The settings: config.toml and the environment, read once and checked.

Precedence: the environment (``DRIFTWARDEN_SECTION__KEY``), then what evaluation.yaml says of
``[monitoring]``, then config.toml, then the defaults here.
Secrets come from the environment only; see :class:`Secrets`.
"""

from monitor.setting_types.durations import format_duration
from monitor.setting_types.field_types import is_https_or_loopback
from monitor.settings.alerts import AlertRoute, Alerts, ChannelSettings
from monitor.settings.configuration import Configuration, Sections, Settings
from monitor.settings.drift import Drift
from monitor.settings.kafka import Kafka
from monitor.settings.launchers import Kubernetes, Ray
from monitor.settings.loading import (
    default_configuration,
    default_settings,
    load_configuration,
    load_settings,
)
from monitor.settings.models.table import ModelSection
from monitor.settings.monitoring import Embedding
from monitor.settings.privacy import Privacy
from monitor.settings.problems.explanations import all_sections
from monitor.settings.redaction import Redaction
from monitor.settings.retention import Retention
from monitor.settings.retrain import (
    Gates,
    Judge,
    Mlflow,
    PreviousSystem,
    Prompted,
    Retrain,
    Scoring,
    TrainingData,
)
from monitor.settings.review import Review
from monitor.settings.secrets import Secrets, load_secrets
from monitor.settings.traffic import Traffic, TrafficFields
from monitor.settings.web import OpenIdConnect
from retrain.rollout.settings import Rollout

__all__ = [
    "AlertRoute",
    "Alerts",
    "ChannelSettings",
    "Configuration",
    "Drift",
    "Embedding",
    "Gates",
    "Judge",
    "Kafka",
    "Kubernetes",
    "Mlflow",
    "ModelSection",
    "OpenIdConnect",
    "PreviousSystem",
    "Privacy",
    "Prompted",
    "Ray",
    "Redaction",
    "Retention",
    "Retrain",
    "Review",
    "Rollout",
    "Scoring",
    "Secrets",
    "Sections",
    "Settings",
    "Traffic",
    "TrafficFields",
    "TrainingData",
    "all_sections",
    "default_configuration",
    "default_settings",
    "format_duration",
    "is_https_or_loopback",
    "load_configuration",
    "load_secrets",
    "load_settings",
]
