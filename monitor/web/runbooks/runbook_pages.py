"""Pages of the runbooks. They hold no data and need no sign-in: whoever is called reads them."""

import re
from functools import cache

from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template
from markdown_it import MarkdownIt

from monitor.alerts.causes import CAUSES, RUNBOOKS
from monitor.packaged_files import packaged_file
from monitor.store.accounts.users import UserRow
from monitor.web.access.audience import EVERYBODY
from monitor.web.handlers import get

PAGES = {cause.page: cause for cause in CAUSES.values()}
#: The page of the alerts of Prometheus, with a section each, and its title.
ALERTS_PAGE, ALERTS_TITLE = "prometheus", "Alerts of Prometheus"
HEADING = re.compile(r"<h2>(\w+)</h2>")
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)")


@get("/runbooks", opt=EVERYBODY)
def runbooks(visitor: NamedDependency[UserRow | None], is_blind: NamedDependency[bool]) -> Template:
    """List the runbooks by cause."""
    return Template(
        "runbooks.html",
        context={
            "user": visitor,
            "is_blind": is_blind,
            "causes": CAUSES.values(),
            "path": RUNBOOKS,
            "alerts": (ALERTS_PAGE, ALERTS_TITLE),
        },
    )


@get("/runbooks/{page:str}", opt=EVERYBODY)
def runbook(
    page: FromPath[str], visitor: NamedDependency[UserRow | None], is_blind: NamedDependency[bool]
) -> Template:
    """Show the runbook of a cause, or of the alerts of Prometheus."""
    if page not in {*PAGES, ALERTS_PAGE}:
        raise NotFoundException("no such runbook")
    return Template(
        "runbook.html",
        context={
            "user": visitor,
            "is_blind": is_blind,
            "cause": PAGES.get(page),
            "title": PAGES[page].title if page in PAGES else ALERTS_TITLE,
            "html": read_runbook(page),
            "path": RUNBOOKS,
        },
    )


@cache
def read_runbook(page: str) -> str:
    """Return a runbook as HTML; its links lead to other runbooks, and name other pages.

    A heading of one word, such as the name of an alert, can be linked by it in lower case.
    """
    text = (packaged_file("docs/runbooks") / f"{page}.md").read_text(encoding="utf-8")
    html = str(MarkdownIt("commonmark", {"html": False}).render(LINK.sub(_link, text)))
    return HEADING.sub(lambda match: f'<h2 id="{match[1].lower()}">{match[1]}</h2>', html)


def _link(match: re.Match[str]) -> str:
    label, target = match.groups()
    name = target.removesuffix(".md")
    if name in PAGES:
        return f"[{label}]({RUNBOOKS}/{name})"
    return f"{label} (`docs/{target.removeprefix('../')}`)"


HANDLERS = (runbooks, runbook)
