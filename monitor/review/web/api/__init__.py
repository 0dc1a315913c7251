"""The JSON API: what the page itself uses, and whoever reviews by program."""

from litestar import Router

from monitor.review.web.api.decisions import Decisions
from monitor.review.web.api.items import Items
from monitor.review.web.api.lead import LeadItems
from monitor.review.web.api.session import login, work
from monitor.review.web.api.studies import Studies

router = Router("/api", route_handlers=[login, work, Items, Decisions, LeadItems, Studies])
