"""Submission of parsed reviews through the review workflow.

The rules of the page hold for them too: two different reviewers for each item, whom the exported
tasks keep blind to each other; complete verdicts; and no review ever changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from monitor.errors import InputError, NotFoundError, WorkflowError
from monitor.review.guidelines.versions import has_scores
from monitor.review.imports.parsed_reviews import ImportProblem, ParsedReview, ParsedReviews
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.verdicts import SCORES, ReviewInput, check_judgement, check_scores
from monitor.store.accounts.users import UserRow, user_by_name
from monitor.store.review.assignments import claim_slot
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import ReviewRow, reviews_of
from monitor.store.traffic.exchanges import exchange_by_id

#: Lease from the claim to the submission, within one transaction.
LEASE = timedelta(minutes=1)


class ImportRefusedError(InputError):
    """Raised when a file holds reviews that can't be imported; nothing is written."""

    def __init__(self, problems: Sequence[ImportProblem]) -> None:
        lines = "\n".join(map(str, problems))
        super().__init__(f"nothing was imported:\n{lines}", code="not_imported")
        self.problems = tuple(problems)


@dataclass(frozen=True)
class ImportCounts:
    """Numbers of reviews that were written, and that were already stored."""

    n_written: int
    n_known: int


def import_reviews(
    connection: Connection,
    parsed: ParsedReviews,
    user_names: Mapping[str, str],
    now: datetime,
    *,
    redact: Callable[[str], str],
    audit_share_of: Callable[[str], float] = lambda _model: 0.0,
) -> ImportCounts:
    """Write all reviews of a file, or none.

    The transaction is rolled back on errors. ``user_names`` maps names in the tool to users' names,
    where they differ; ``redact`` returns a text of a reviewer without personal data;
    ``audit_share_of`` returns, for a model, the probability with which an agreed item is drawn for
    an audit.

    Raises:
        ImportRefusedError: A review can't be imported; the message has a line for each problem.
    """
    problems = list(parsed.problems)
    n_written = 0
    # In the order of the items, so that two concurrent imports lock them in the same order.
    for review in sorted(parsed.reviews, key=lambda review: review.item_id):
        try:
            # What a refused review has written must not count for the next.
            with connection.begin_nested():
                clean = _redact(review, redact)
                n_written += _import(connection, clean, user_names, now, audit_share_of)
        except (WorkflowError, InputError) as error:
            problems.append(ImportProblem(review.place, error.code, str(error)))
    if problems:
        raise ImportRefusedError(problems)
    return ImportCounts(n_written, len(parsed.reviews) - n_written)


def _redact(parsed: ParsedReview, redact: Callable[[str], str]) -> ParsedReview:
    fields = {
        name: redact(value) if isinstance(value, str) else value
        for name, value in parsed.fields.items()
    }
    return replace(parsed, fields=fields)


def _import(
    connection: Connection,
    parsed: ParsedReview,
    user_names: Mapping[str, str],
    now: datetime,
    audit_share_of: Callable[[str], float],
) -> bool:
    """Write a review; return ``False`` if it is already stored."""
    reviewer = _reviewer(connection, parsed, user_names)
    item = _item(connection, parsed)
    scored = has_scores(connection, item.taxonomy_version, item.task_type)
    review = check_scores(_review_input(parsed, has_scores=scored), has_scores=scored)
    stored = [row for row in reviews_of(connection, [item.id]) if row.reviewer_id == reviewer.id]
    if stored:
        response = exchange_by_id(connection, item.exchange_id).response
        if not _is_equal(stored[0], check_judgement(review, response)):
            raise WorkflowError(
                f"{reviewer.name} has already reviewed item {item.id} differently; "
                "a review never changes",
                code="review_changed",
            )
        return False
    _claim(connection, item, reviewer, now)
    share = audit_share_of(item.model)
    REVIEWS.submit(connection, item.id, reviewer, review, now, audit_share=share)
    return True


def _reviewer(
    connection: Connection, parsed: ParsedReview, user_names: Mapping[str, str]
) -> UserRow:
    mapped = [user_names[name] for name in parsed.annotator if name in user_names]
    for name in mapped or parsed.annotator:
        user = user_by_name(connection, name)
        if user is not None and user.active:
            return user
    names = " or ".join(repr(name) for name in parsed.annotator) or "an unnamed annotator"
    raise InputError(
        f"unknown reviewer: {names}; map the name with --reviewer-map, or add the user with "
        "`driftwarden accounts add`",
        code="unknown_reviewer",
    )


def _item(connection: Connection, parsed: ParsedReview) -> ItemRow:
    unknown = NotFoundError(
        f"there is no item {parsed.item_id} of the exchange {parsed.exchange_id!r}; check that the "
        "tasks were exported from this database",
        code="unknown_item",
    )
    try:
        item = item_by_id(connection, parsed.item_id, lock=True)
        exchange = exchange_by_id(connection, item.exchange_id)
    except NotFoundError:
        raise unknown from None
    if exchange.exchange_id != parsed.exchange_id:
        raise unknown
    return item


def _review_input(parsed: ParsedReview, *, has_scores: bool) -> ReviewInput:
    needed = ("verdict", *SCORES) if has_scores else ("verdict",)
    missing = [name for name in needed if parsed.fields.get(name) is None]
    if missing:
        raise InputError(
            f"incomplete: {', '.join(missing)}; answer every required question", code="incomplete"
        )
    values = {name: value for name, value in parsed.fields.items() if value is not None}
    try:
        return msgspec.convert(values, ReviewInput)
    except msgspec.ValidationError as error:
        raise InputError(f"invalid value: {error}", code="invalid_value") from None


def _claim(connection: Connection, item: ItemRow, reviewer: UserRow, now: datetime) -> None:
    """Give a reviewer a slot of the item, as a claim on the page does."""
    if not reviewer.works_on(item.model, item.task_type):
        raise WorkflowError(
            f"{reviewer.name} doesn't review the task type {item.task_type!r} of {item.model}",
            code="task_type",
        )
    if not claim_slot(connection, item.id, reviewer.id, now=now, until=now + LEASE):
        raise WorkflowError(
            f"item {item.id} has no slot for {reviewer.name}: it is decided, declined by "
            f"{reviewer.name}, or reviewed or claimed by two others or given to them",
            code="no_slot",
        )


def _is_equal(stored: ReviewRow, review: ReviewInput) -> bool:
    names = (*SCORES, "verdict", "error_kind", "answerable", "corrected_response", "comment")
    return all(getattr(stored, name) == getattr(review, name) for name in names)
