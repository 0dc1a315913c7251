"""Slack blocks and mrkdwn: untrusted texts without their markup, sections, and limits."""

import html
import re
from collections.abc import Iterable
from typing import Any

from monitor.rendering.chart import TYPE as CHART
from monitor.rendering.chart import describe_chart
from monitor.rendering.excerpts import excerpt

Block = dict[str, Any]

#: Slack's limits: https://docs.slack.dev/reference/block-kit/blocks
MAX_BLOCKS = 50
MAX_SECTION_CHARACTERS = 3000
MAX_HEADER_CHARACTERS = 150

#: A line of this many characters fits into a section even if each of them is escaped.
MAX_LINE_CHARACTERS = MAX_SECTION_CHARACTERS // len("&amp;") - 10

#: Characters of markup, and those that look alike. Slack has no escape for them.
LOOKALIKES = str.maketrans({"*": "\N{ASTERISK OPERATOR}", "~": "\N{TILDE OPERATOR}", "`": "'"})
LOW_LINE = "\N{MODIFIER LETTER LOW MACRON}"
COLON = "\N{MODIFIER LETTER COLON}"
GREATER_THAN = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
#: Underscores that may begin or end italics: Slack reads those within a word as they are.
OUTER_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
#: The name of an emoji, or of several without a space between.
EMOJI = re.compile(r":[^\s:]+:(?:[^\s:]*:)*")
QUOTE = re.compile(r"\A>+")

#: Beginning of a line that quotes the traffic.
QUOTED = "> "

LINK = re.compile(r"<([^|<>]+)\|([^<>]*)>")
NOT_IN_URLS = re.compile(r"[\s|<>`]")


def escape(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """Return an untrusted text as mrkdwn that shows it on one line, without its markup.

    ``&``, ``<`` and ``>`` have escapes. Marks of bold, strikethrough, italics, code, emoji and
    quotes have none: characters that look alike take their place. Invisible characters are dropped.
    Links and mentions are left to :func:`mrkdwn`, which forbids Slack to look for them. ``limit``
    is the greatest number of the text's characters.
    """
    line = excerpt(text, limit).translate(LOOKALIKES)
    line = OUTER_UNDERSCORE.sub(LOW_LINE, line)
    line = EMOJI.sub(lambda match: match[0].replace(":", COLON), line)
    line = QUOTE.sub(lambda match: GREATER_THAN * len(match[0]), line)
    return html.escape(line, quote=False)


def bold(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """Return an untrusted text in bold."""
    return f"*{escape(text, limit) or '(empty)'}*"


def code(text: str, limit: int = MAX_LINE_CHARACTERS) -> str:
    """Return an untrusted text, such as a name or a command, as it is to be copied."""
    literal = html.escape(excerpt(text, limit).replace("`", "'"), quote=False)
    return f"`{literal or '(empty)'}`"


def code_block(lines: Iterable[str]) -> str:
    """Return lines of code as they are to be copied."""
    literal = "\n".join(
        html.escape(excerpt(line, MAX_LINE_CHARACTERS).replace("`", "'"), quote=False)
        for line in lines
    )
    return f"```{literal}```"


def link(url: str, label: str) -> str:
    """Return a link."""
    address = NOT_IN_URLS.sub(lambda match: f"%{ord(match[0]):02X}", url)
    return f"<{address.replace('&', '&amp;')}|{escape(label)}>"


def mrkdwn(text: str) -> Block:
    """Return a text object of mrkdwn: the only place where these are made.

    ``verbatim`` keeps Slack from making links of addresses, channels and users in a prompt.
    """
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def header(text: str) -> Block:
    """Return a header block of plain text, truncated to Slack's limit."""
    line = excerpt(text, MAX_HEADER_CHARACTERS)
    return {"type": "header", "text": {"type": "plain_text", "text": line, "emoji": False}}


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
    return [{"type": "section", "text": mrkdwn("\n".join(group))} for group in packed]


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, each short enough for :func:`escape` to leave it whole."""
    return [
        line[begin : begin + MAX_LINE_CHARACTERS]
        for line in text.splitlines() or [""]
        for begin in range(0, len(line) or 1, MAX_LINE_CHARACTERS)
    ]


def context(text: str) -> Block:
    """Return a context block: a small grey line."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def within_limits(blocks: list[Block]) -> list[Block]:
    """Truncate blocks to Slack's limit, with a note in the last one."""
    if len(blocks) <= MAX_BLOCKS:
        return blocks
    return [*blocks[: MAX_BLOCKS - 1], context("Truncated; the report has the rest.")]


def build_message(blocks: list[Block], summary: str) -> dict[str, Any]:
    """Return a payload; notifications and screen readers show the summary."""
    return {"text": escape(summary), "blocks": blocks}


def without_charts(blocks: list[Block]) -> list[Block]:
    """Return blocks with text in place of charts, for workspaces that have none."""
    return [
        replacement
        for block in blocks
        for replacement in (
            sections([describe_chart(block)]) if block["type"] == CHART else [block]
        )
    ]


def without_quotes(blocks: list[Block]) -> list[Block]:
    """Return blocks without quotes of the traffic, for channels that are not Slack's."""
    unquoted = []
    for block in blocks:
        if block["type"] == "section":
            lines = block["text"]["text"].split("\n")
            rest = "\n".join(line for line in lines if not line.startswith(QUOTED))
            if rest:
                unquoted.append({**block, "text": mrkdwn(rest)})
        else:
            unquoted.append(block)
    return unquoted


def render_text(blocks: list[Block]) -> str:
    """Render a message as plain text for a terminal or a log."""
    parts = []
    for block in without_charts(blocks):
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
