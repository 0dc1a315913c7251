"""Entries about reviews: of leads, of adjudicators, and a reviewer's own."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.rendering.numbers import format_day
from monitor.review.progress.overdue import BATCH_MAX_AGE, find_overdue
from monitor.store.accounts.roles import Permission
from monitor.store.accounts.users import UserRow
from monitor.store.alerts.condition_facts import queue_states
from monitor.store.human_evaluation.assignments import (
    count_submitted_assignments,
    ratable_by_evaluation,
)
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationRow,
    open_human_evaluations,
)
from monitor.store.review.queue import Claimer, claimable_by_model
from monitor.store.review.waiting import (
    WaitingItems,
    models_reviewed_by,
    waiting_flags,
    waiting_to_adjudicate,
    waiting_to_audit,
    waiting_to_discuss,
)
from monitor.todo.entries import TodoEntry, of_model

Entries = Iterator[TodoEntry]

#: A lead who has reviewed items of a model in this time is a reviewer of it, too.
REVIEWS_COUNT_FOR = timedelta(weeks=4)
#: Time in which the ratings of a human evaluation are to be submitted.
RATED_WITHIN = timedelta(days=7)


def batches(connection: Connection, now: datetime) -> Entries:
    """Yield overdue batches, one entry for each model."""
    for model, state in queue_states(connection, now - BATCH_MAX_AGE).items():
        late = find_overdue(state, now)
        if late is None:
            continue
        ways = []
        if late.untouched_since is not None:
            ways.append(f"nobody has worked on them since {format_day(late.untouched_since)}")
        if late.unreviewed_since is not None:
            ways.append(f"most of the batch of {format_day(late.unreviewed_since)} is not reviewed")
        are = "is" if late.n_open == 1 else "are"
        yield TodoEntry(
            model=model,
            kind="batch",
            since=late.since,
            text=f"{pluralize(late.n_open, 'review item')} {are} open: {', and '.join(ways)}. The "
            "decision waits for them.",
            address=of_model("/progress", model),
            label="See the progress",
            n=late.n_open,
        )


def decided_items(connection: Connection, user: UserRow) -> Entries:
    """Yield what a user adjudicates, audits, and settles as a lead."""
    portions = user.grants.portions(Permission.ADJUDICATE)
    if not portions:
        return
    for row in waiting_to_adjudicate(connection, user.id, portions):
        yield _of_items(
            row,
            "adjudication",
            "Adjudicate",
            f"Two reviewers disagree about {pluralize(row.n, 'item')}, the oldest since "
            f"{format_day(row.since)}. There is no gold until an adjudicator decides.",
        )
    for row in waiting_to_audit(connection, user.id, portions):
        yield _of_items(
            row,
            "audit",
            "Audit",
            f"{pluralize(row.n, 'agreed item')} to audit, the oldest drawn on "
            f"{format_day(row.since)}. How far the reviews can be trusted is not known until then.",
        )
    if user.led_models:
        for row in waiting_flags(connection, user.led_models):
            yield TodoEntry(
                model=row.model,
                kind="flag",
                since=row.since,
                text=f"{pluralize(row.n, 'item')} flagged, the oldest reviewed or queued on "
                f"{format_day(row.since)}. Flagged items count nowhere until a lead excludes or "
                "restores them.",
                address=of_model("/progress", row.model),
                label=f"Settle {pluralize(row.n, 'flag')}",
                n=row.n,
            )


def _of_items(row: WaitingItems, kind: str, verb: str, text: str) -> TodoEntry:
    """Return an entry that leads to the first of the items."""
    return TodoEntry(
        model=row.model,
        kind=kind,
        since=row.since,
        text=text,
        address=f"/review/{row.first_id}",
        label=f"{verb} {pluralize(row.n, 'item')}",
        n=row.n,
    )


def human_evaluations(connection: Connection, user: UserRow, now: datetime) -> Entries:
    """Yield human evaluations to lock, late ones, and those with items that a user rates."""
    rows = open_human_evaluations(connection)
    if not rows:
        return
    counts = count_submitted_assignments(connection, [row.id for row in rows])
    portions = user.grants.portions(Permission.REVIEW)
    ratable = ratable_by_evaluation(connection, user.id, portions, now) if portions else {}
    for row in rows:
        if user.is_lead_of(row.model):
            n_items, n_submitted = counts.get(row.id, (0, 0))
            yield from _to_lock(row, n_submitted, n_items * row.raters_per_item, now)
        n = ratable.get(row.id, 0)
        if n:
            yield TodoEntry(
                model=row.model,
                kind="rating",
                since=row.opened_at,
                text=f"{pluralize(n, 'item')} to rate in the human evaluation of version "
                f"{row.version}, open since {format_day(row.opened_at)}.",
                address=f"/human-evaluations/{row.id}",
                label=f"Rate {pluralize(n, 'item')}",
                n=n,
            )


def _to_lock(row: HumanEvaluationRow, n: int, needed: int, now: datetime) -> Entries:
    is_complete = n >= needed
    if not is_complete and now - row.opened_at <= RATED_WITHIN:
        return
    so_far = f"All {n:,}" if is_complete else f"{n:,} of {needed:,}"
    yield TodoEntry(
        model=row.model,
        kind="human_evaluation",
        since=row.opened_at,
        text=f"{so_far} ratings of version {row.version} are submitted; its human evaluation is "
        f"open since {format_day(row.opened_at)}. The version waits until it is locked.",
        address=f"/human-evaluations/{row.id}",
        label=f"{'Lock' if is_complete else 'See'} human evaluation {row.id}",
    )


def own_items(connection: Connection, user: UserRow, now: datetime) -> Entries:
    """Yield the items that a user reviews and discusses."""
    portions = user.grants.portions(Permission.REVIEW)
    if not portions:
        return
    for row in waiting_to_discuss(connection, user.id, user.grants.readable_portions()):
        yield _of_items(
            row,
            "discussion",
            "Discuss",
            f"You and another reviewer disagree about {pluralize(row.n, 'item')}, the oldest since "
            f"{format_day(row.since)}. After three days an adjudicator decides.",
        )
    for claimable in claimable_by_model(connection, Claimer(user.id, portions), now):
        items = pluralize(claimable.n, "item")
        yield TodoEntry(
            model=claimable.model,
            kind="review",
            since=claimable.since,
            text=f"{items} {'waits' if claimable.n == 1 else 'wait'} for your review, the oldest "
            f"since {format_day(claimable.since)}.",
            address=of_model("/review", claimable.model),
            label=f"Review {items}",
            n=claimable.n,
        )


def reviewed_models(connection: Connection, user: UserRow, now: datetime) -> set[str]:
    """Return the models that a user reviews, also where they lead them."""
    return models_reviewed_by(connection, user.id, now - REVIEWS_COUNT_FOR)
