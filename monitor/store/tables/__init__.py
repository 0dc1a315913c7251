"""The declared schema. Importing this package makes :data:`metadata` complete."""

# ruff: noqa: F403 - all tables of each module, so that a new one is declared in one place

from monitor.store.tables.access_log import *
from monitor.store.tables.accounts import *
from monitor.store.tables.alerts import *
from monitor.store.tables.audit_log import *
from monitor.store.tables.end_users import *
from monitor.store.tables.erasures import *
from monitor.store.tables.feedback import *
from monitor.store.tables.human_evaluation import *
from monitor.store.tables.leadership import *
from monitor.store.tables.privacy_requests import *
from monitor.store.tables.probes import *
from monitor.store.tables.review import *
from monitor.store.tables.search import *
from monitor.store.tables.signals import *
from monitor.store.tables.slack_actions import *
from monitor.store.tables.traffic import *
from monitor.store.tables.training import *
from monitor.store.tables.windows import *
from monitor.table_types.base import Base
from retrain.rollout.tables import *

metadata = Base.metadata
