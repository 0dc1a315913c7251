"""The settings: config.toml and the environment, read once and checked.

Precedence: the environment (``DRIFTWARDEN_SECTION__KEY``), then what evaluation.yaml says of
``[monitoring]``, then config.toml, then the defaults here.
Secrets come from the environment only; see :class:`Secrets`.
"""

from monitor.setting_types.durations import format_duration, parse_duration
from monitor.setting_types.field_types import Section, is_https_or_loopback
from monitor.settings.alerts import AlertRoute, Alerts, ChannelSettings
from monitor.settings.configuration import Configuration, Sections, Settings
from monitor.settings.drift import Drift
from monitor.settings.kafka import Kafka
from monitor.settings.launchers import Kubernetes, Ray, Toleration
from monitor.settings.loading import (
    DEFAULT_FILE,
    default_configuration,
    default_settings,
    load_configuration,
    load_settings,
)
from monitor.settings.models.table import ModelSection, ModelTable
from monitor.settings.monitoring import Database, Embedding, Monitoring, Probes
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
from monitor.settings.traffic import TaskRate, Traffic, TrafficFields, TrafficJoin
from monitor.settings.web import OpenIdConnect, Web
from retrain.rollout.settings import Rollout

__all__ = [
    "DEFAULT_FILE",
    "AlertRoute",
    "Alerts",
    "ChannelSettings",
    "Configuration",
    "Database",
    "Drift",
    "Embedding",
    "Gates",
    "Judge",
    "Kafka",
    "Kubernetes",
    "Mlflow",
    "ModelSection",
    "ModelTable",
    "Monitoring",
    "OpenIdConnect",
    "PreviousSystem",
    "Privacy",
    "Probes",
    "Prompted",
    "Ray",
    "Redaction",
    "Retention",
    "Retrain",
    "Review",
    "Rollout",
    "Scoring",
    "Secrets",
    "Section",
    "Sections",
    "Settings",
    "TaskRate",
    "Toleration",
    "Traffic",
    "TrafficFields",
    "TrafficJoin",
    "TrainingData",
    "Web",
    "all_sections",
    "default_configuration",
    "default_settings",
    "format_duration",
    "is_https_or_loopback",
    "load_configuration",
    "load_secrets",
    "load_settings",
    "parse_duration",
]
