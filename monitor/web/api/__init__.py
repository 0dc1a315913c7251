"""The JSON API, for the pages and for programs."""

from monitor.web.api.human_evaluations import HumanEvaluationController
from monitor.web.api.items import ItemController
from monitor.web.api.lead import LeadController
from monitor.web.api.resolution import ResolutionController
from monitor.web.api.session import login, work

HANDLERS = (
    login,
    work,
    ItemController,
    ResolutionController,
    LeadController,
    HumanEvaluationController,
)
