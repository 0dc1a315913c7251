"""The assessment: the result document of a drift evaluation.

It is stored as JSON; the page, Slack and the terminal render it.
``docs/reference/assessment.schema.json`` is generated from these structs and the ``#:`` comments
at their fields (`make docs`). Fields may be added under the same schema version; removing one, or
changing its meaning, raises the version.
"""

# ruff: noqa: F403 - the document and all that it consists of

from monitor.store.windows.assessment.document import *
from monitor.store.windows.assessment.explanations import *
from monitor.store.windows.assessment.families import *
from monitor.store.windows.assessment.measures import *
from monitor.store.windows.assessment.parts import *
from monitor.store.windows.assessment.quotes import *
from monitor.store.windows.assessment.values import *
