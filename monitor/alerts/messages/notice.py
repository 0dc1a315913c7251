"""Notices: messages of one post, outside the incidents, with what to do next."""

from collections.abc import Sequence
from typing import Any

from monitor.rendering.mrkdwn import (
    Block,
    build_message,
    escape,
    header,
    link,
    sections,
    within_limits,
)


def notice_message(
    title: str,
    lines: Sequence[str],
    next_steps: Sequence[str],
    *,
    page: tuple[str, str] | None = None,
    summary: str = "",
) -> dict[str, Any]:
    """Return the payload of a notice.

    Lines are what there is to know, as plain text; next steps are what to do, as mrkdwn. ``page``
    is the address and label of the page with more. The summary, of notifications and screen
    readers, follows the title.
    """
    blocks: list[Block] = [header(title), *sections(map(escape, lines))]
    blocks += sections(["*Next steps*", *next_steps])
    if page is not None:
        blocks += sections([link(*page)])
    return build_message(within_limits(blocks), f"{title}. {summary}" if summary else title)
