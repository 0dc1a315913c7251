"""Slack blocks and mrkdwn: escaping, packing into sections, and limits."""

import html
import re
from collections.abc import Iterable
from typing import Any

Block = dict[str, Any]

#: Slack's limits: https://docs.slack.dev/reference/block-kit/blocks
MAX_BLOCKS = 50
MAX_SECTION_CHARACTERS = 3000
MAX_HEADER_CHARACTERS = 150

#: A line of this many characters fits into a section even if each of them is escaped.
MAX_LINE_CHARACTERS = MAX_SECTION_CHARACTERS // len("&amp;") - 10

LINK = re.compile(r"<([^|<>]+)\|([^<>]*)>")


def escape(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """Escape a text so that Slack shows it literally, on one line of at most ``limit`` characters.

    Slack requires escapes of ``&``, ``<`` and ``>``. A backtick would end the code span around it,
    so it becomes an apostrophe.
    """
    line = " ".join(text.split()).replace("`", "'")
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: str, label: str) -> str:
    """Return a link."""
    return f"<{escape(url, limit=1000).replace('|', '%7C')}|{escape(label)}>"


def header(text: str) -> Block:
    """Return a header block of plain text, truncated to Slack's limit."""
    line = " ".join(text.split())
    if len(line) > MAX_HEADER_CHARACTERS:
        line = line[: MAX_HEADER_CHARACTERS - 1] + "…"
    return {"type": "header", "text": {"type": "plain_text", "text": line}}


def sections(lines: Iterable[str]) -> list[Block]:
    """Pack lines of mrkdwn into as few section blocks as Slack's limit allows."""
    packed: list[list[str]] = []
    used = MAX_SECTION_CHARACTERS
    for line in lines:
        if used + len(line) + 1 > MAX_SECTION_CHARACTERS:
            packed.append([])
            used = 0
        packed[-1].append(line)
        used += len(line) + 1
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "\n".join(group)}}
        for group in packed
    ]


def context(text: str) -> Block:
    """Return a context block: a small grey line."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def within_limits(blocks: list[Block]) -> list[Block]:
    """Truncate blocks to Slack's limit, with a note in the last one."""
    if len(blocks) <= MAX_BLOCKS:
        return blocks
    return [*blocks[: MAX_BLOCKS - 1], context("Truncated; the report has the rest.")]


def build_message(blocks: list[Block], summary: str) -> dict[str, Any]:
    """Return a payload; notifications and screen readers show the summary."""
    return {"text": escape(summary), "blocks": blocks}


def render_text(blocks: list[Block]) -> str:
    """Render a message as plain text for a terminal or a log."""
    parts = []
    for block in blocks:
        if block["type"] == "header":
            title = block["text"]["text"]
            parts.append(f"{title}\n{'=' * len(title)}")
        elif block["type"] == "section":
            parts.append(_plain(block["text"]["text"]))
        elif block["type"] == "context":
            parts.append("  ".join(_plain(element["text"]) for element in block["elements"]))
        elif block["type"] == "divider":
            parts.append("-" * 40)
    return "\n\n".join(parts)


def _plain(markup: str) -> str:
    linked = LINK.sub(r"\2 (\1)", markup)
    unmarked = re.sub(r"(?m)(^|(?<=[\s(]))\*([^*\n]+)\*", r"\1\2", linked).replace("`", "")
    return html.unescape(unmarked)
