"""Pages of the guidelines: the editor with its preview, and the versions that were published."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.guidelines import Taxonomy, missing_task_types, parse_taxonomy
from monitor.review.guidelines.changes import changes_of_task_types, diff_lines
from monitor.review.guidelines.versions import publish_taxonomy, taxonomy_in_force
from monitor.store.review.taxonomies import (
    publication_by_number,
    publications_of,
    task_types_queued,
)
from monitor.stored_words import labels
from monitor.web.access.audience import LEADS, WORDS
from monitor.web.current_user import Visit
from monitor.web.forms.fields import text_of
from monitor.web.handlers import form, get
from monitor.web.typed_text import UNREAD

Fields = URLEncodedBody[dict[str, Any]]
#: Longer guidelines are refused.
MAX_CHARACTERS = 200_000
#: The name that problems have instead of a file.
NAME = "guidelines"
UNCHANGED_EXAMPLE = (
    "these are the guidelines of an example: change them to those of your task types"
)
SOURCES = labels({"file": "Configured file", "page": "Page", "shell": "Command"})


@dataclass(frozen=True)
class LineProblem:
    """A problem of the text, with the line that has it."""

    line: int
    #: The line's text; empty for the whole text.
    source: str
    message: str


@dataclass(frozen=True)
class Draft:
    """The text of the form, parsed."""

    text: str
    taxonomy: Taxonomy
    problems: tuple[LineProblem, ...]


@get("/guidelines", opt=LEADS | WORDS)
def guidelines(lead_visit: NamedDependency[Visit]) -> Template | Redirect:
    """Show the guidelines in force in an editor, and the versions before them."""
    model = lead_visit.one_model
    if model != lead_visit.model and len(lead_visit.choices) > 1:
        return Redirect(lead_visit.of(model=model).address("/guidelines"), status_code=303)
    return _editor(lead_visit, model)


@form("/guidelines", opt=LEADS | WORDS | {UNREAD: ("base", "step")})
def edit(lead_visit: NamedDependency[Visit], data: Fields) -> Template | Redirect:
    """Check a text and preview it, or publish it; a refusal keeps what was typed."""
    model = lead_visit.one_model
    text = text_of(data, "text").replace("\r\n", "\n").replace("\x00", "")
    draft = _parse(text)
    base = text_of(data, "base")
    if text_of(data, "step") != "publish":
        return _editor(lead_visit, model, draft, base=base)
    if draft.problems:
        return _editor(lead_visit, model, draft, base=base, status=400)
    if text.strip() == _starter().strip():
        return _editor(lead_visit, model, draft, base=base, refusal=UNCHANGED_EXAMPLE, status=400)
    try:
        with lead_visit.transaction() as connection:
            publish_taxonomy(
                connection,
                lead_visit.settings.settings_of(model).review,
                model,
                draft.taxonomy,
                draft.text,
                source="page",
                by=lead_visit.user.name,
                now=lead_visit.now,
                base=base,
            )
    except WorkflowError as error:
        return _editor(lead_visit, model, draft, refusal=str(error), status=409)
    return Redirect(lead_visit.of(model=model).address("/guidelines"), status_code=303)


@get("/guidelines/{number:int}", opt=LEADS | WORDS)
def publication(number: FromPath[int], lead_visit: NamedDependency[Visit]) -> Template:
    """Show a published version, with its differences from the one before."""
    model = lead_visit.one_model
    with lead_visit.transaction() as connection:
        row = publication_by_number(connection, model, number)
        if row is None:
            raise NotFoundError(f"there is no version {number}")
        before = publication_by_number(connection, model, number - 1)
    context = {
        "row": row,
        "before": before,
        "diff": diff_lines("" if before is None else before.text, row.text),
        "sources": SOURCES,
    }
    return lead_visit.page("guidelines_version.html", context, model=model)


def _editor(
    visit: Visit,
    model: str,
    draft: Draft | None = None,
    *,
    base: str | None = None,
    refusal: str = "",
    status: int = 200,
) -> Template:
    """Render the editor; ``base`` is what the draft was based on, ``None`` the version in force."""
    review = visit.settings.settings_of(model).review
    with visit.transaction() as connection:
        current = taxonomy_in_force(connection, review, model)
        edited = draft or _parse(current.text or _starter())
        context: dict[str, Any] = {
            "current": current,
            "base": current.base if base is None else base,
            "draft": edited,
            "checked": draft is not None,
            "refusal": refusal,
            "diff": diff_lines(current.text, edited.text) if draft else [],
            "changes": changes_of_task_types(
                connection, model, current.taxonomy, edited.taxonomy, visit.now
            )
            if draft
            else [],
            "missing": missing_task_types(edited.taxonomy, task_types_queued(connection, model)),
            "published": publications_of(connection, model),
            "file": review.taxonomy,
            "sources": SOURCES,
            "max_characters": MAX_CHARACTERS,
        }
    return visit.page("guidelines_editor.html", context, status=status, model=model)


def _parse(text: str) -> Draft:
    lines = text.split("\n")
    if len(text) > MAX_CHARACTERS:
        message = f"too long: {len(text):,} characters; shorten it to {MAX_CHARACTERS:,}"
        return Draft(text, Taxonomy(task_types={}), (LineProblem(0, "", message),))
    taxonomy, problems = parse_taxonomy(text, NAME)
    return Draft(
        text,
        taxonomy,
        tuple(
            LineProblem(
                problem.line,
                lines[problem.line - 1].strip() if 0 < problem.line <= len(lines) else "",
                problem.message,
            )
            for problem in problems
        ),
    )


def _starter() -> str:
    return files("monitor.review.guidelines").joinpath("starter.md").read_text(encoding="utf-8")


HANDLERS = (guidelines, edit, publication)
