"""Notices: messages of one post, outside the incidents, with what to do next."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitor.rendering.mrkdwn import (
    Block,
    build_message,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.store.alerts.outbox import add_message


def add_notice(
    connection: Connection,
    *,
    dedupe_key: str,
    model: str,
    title: str,
    lines: Sequence[str],
    next_steps: Sequence[str],
    page: tuple[str, str] | None = None,
    summary: str = "",
    subject: str = "notice",
    now: datetime,
    evaluation_id: int | None = None,
) -> bool:
    """Write a notice to the outbox, unless its key exists; return whether it was written.

    The same event has the same key. The message goes to the model's channel; an empty model is the
    daemon. Lines are what there is to know, as plain text; next steps are what to do, as mrkdwn.
    ``page`` is the address and label of the page with more. The summary, of notifications and
    screen readers, follows the title. Routes go by the subject: ``notice``, or the cause of an
    incident.
    """
    blocks: list[Block] = [header(title), *sections(map(escape, lines))]
    blocks += sections(["*Next steps*", *next_steps])
    if page is not None:
        blocks += sections([link(*page)])
    return add_message(
        connection,
        dedupe_key=dedupe_key,
        model=model,
        payload=build_message(within_limits(blocks), f"{title}. {summary}" if summary else title),
        now=now,
        evaluation_id=evaluation_id,
        subject=subject,
    )
