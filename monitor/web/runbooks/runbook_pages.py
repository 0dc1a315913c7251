"""Pages of the runbooks. They hold no data and need no sign-in: whoever is called reads them."""

import re
from functools import cache
from pathlib import Path

from litestar import get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template
from markdown_it import MarkdownIt

from monitor.alerts.causes import CAUSES, RUNBOOKS
from monitor.packaged_files import packaged_file
from monitor.store.accounts.users import UserRow

PAGES = {cause.page: cause for cause in CAUSES.values()}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)(?:#[^)]*)?\)")


@get("/runbooks", sync_to_thread=True)
def runbooks(visitor: NamedDependency[UserRow | None]) -> Template:
    """List the runbooks by cause."""
    return Template(
        "runbooks.html", context={"user": visitor, "causes": CAUSES.values(), "path": RUNBOOKS}
    )


@get("/runbooks/{page:str}", sync_to_thread=True)
def runbook(page: FromPath[str], visitor: NamedDependency[UserRow | None]) -> Template:
    """Show the runbook of a cause."""
    if page not in PAGES:
        raise NotFoundException("no such runbook")
    return Template(
        "runbook.html",
        context={
            "user": visitor,
            "cause": PAGES[page],
            "html": read_runbook(page),
            "path": RUNBOOKS,
        },
    )


@cache
def read_runbook(page: str) -> str:
    """Return a runbook as HTML; its links lead to other runbooks, and name other pages."""
    text = (runbooks_folder() / f"{page}.md").read_text(encoding="utf-8")
    return str(MarkdownIt("commonmark", {"html": False}).render(LINK.sub(_link, text)))


def runbooks_folder() -> Path:
    """Return the folder of the runbooks."""
    return packaged_file("docs/runbooks")


def _link(match: re.Match[str]) -> str:
    label, target = match.groups()
    name = target.removesuffix(".md")
    if name in PAGES:
        return f"[{label}]({RUNBOOKS}/{name})"
    return f"{label} (`docs/{target.removeprefix('../')}`)"


HANDLERS = (runbooks, runbook)
