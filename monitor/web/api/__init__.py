"""The JSON API: what the page itself uses, and whoever reviews by program."""

from litestar import Router

from monitor.web.api.human_evaluations import Studies
from monitor.web.api.items import Items
from monitor.web.api.lead import LeadItems
from monitor.web.api.resolution import Decisions
from monitor.web.api.session import login, work

router = Router("/api", route_handlers=[login, work, Items, Decisions, LeadItems, Studies])
