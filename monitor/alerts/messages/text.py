"""Text of an incident's message, in its present state: the same in every channel."""

import html
from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitor.plurals import pluralize
from monitor.rendering.mrkdwn import (
    LINK,
    Block,
    bold,
    context,
    escape,
    header,
    sections,
)

#: Of the whole message with its title; addresses of links don't count.
MAX_WORDS = 80
#: Of its parts whose length depends on names and errors.
MAX_TITLE_WORDS, MAX_FINDING_WORDS, MAX_CHANGE_WORDS, MAX_OWNER_WORDS = 12, 50, 30, 12
#: Of the name of a model in a title.
MODEL_CHARACTERS = 60
#: Fewer words of a sentence say nothing.
MIN_CLIPPED_WORDS = 15
#: Of the note on what does not fit.
NOTE_WORDS = 6
#: Of sentences.
ENDS = ".!?…”"
#: Around a word.
MARKS = ".,;:!?…“”()`"
#: A longer word counts as several: names may be long, and some languages write no spaces.
WORD_CHARACTERS = 12


@dataclass(frozen=True, kw_only=True)
class IncidentText:
    """Finding, onset, changes, owner and next step of an incident, as of now."""

    title: str
    #: Whether users of the model notice it, in one sentence; empty where it is over, or unknown.
    users: str = ""
    #: Plain sentences, the worst first; at least one.
    findings: tuple[str, ...]
    #: When it began, and how sure that is; empty where the first finding says it.
    since: str = ""
    #: What is different from the message before, the most important first.
    changes: tuple[str, ...] = ()
    #: Who has acknowledged or snoozed it; empty where it is resolved.
    owner: str = ""
    #: One sentence as mrkdwn, with a command or a link; empty where it is resolved.
    next_step: str = ""
    #: As mrkdwn.
    links: tuple[str, ...] = ()
    #: Whether the first change is the news, not that the worst finding is there again.
    is_changed: bool = False
    #: Whether the incident is resolved, or its model no longer watched: then it is one line.
    is_ended: bool = False

    @property
    def finding(self) -> str:
        """Return all findings, for the page."""
        return " ".join(self.findings)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what users notice, since when it lasts, what changed, who has it, for the page."""
        return tuple(filter(None, (self.users, self.since, *self.changes, self.owner)))

    @property
    def summary(self) -> str:
        """Return the message as plain text, for notifications, pagers and subjects."""
        text = self._fitted()
        step = text.next_step and f"Next: {_plain(text.next_step)}"
        first = (f"{text.title}.", text.users)
        parts = (*first, *text.findings, text.since, *text.changes, text.owner, step)
        return " ".join(part if part[-1] in ENDS else f"{part}." for part in parts if part)

    @property
    def news(self) -> str:
        """Return the title with what changed, or else the worst finding, for a reply."""
        text = self._fitted()
        if self.is_ended:
            return self.summary
        changes = text.changes if self.is_changed else ()
        return f"{text.title}. {(*changes, *text.findings)[0]}"

    def blocks(self) -> list[Block]:
        """Return the message as blocks of Slack."""
        text = self._fitted()
        first, *further = text.findings
        plain = map(escape, (*further, text.since, *text.changes))
        lines = [*filter(None, (escape(text.users), bold(first), *plain))]
        footer = "  ·  ".join(filter(None, (escape(text.owner), *text.links)))
        return [
            header(text.title),
            *sections([" ".join(lines)] if self.is_ended else lines),
            *sections([f"Next: {text.next_step}"] if text.next_step else []),
            context(footer),
        ]

    def _fitted(self) -> "IncidentText":
        """Return what fits into :data:`MAX_WORDS` words: the worst finding always, whole or cut."""
        title, owner = _clip(self.title, MAX_TITLE_WORDS), _clip(self.owner, MAX_OWNER_WORDS)
        fixed = (title, self.users, self.since, owner, "Next:", self.next_step)
        left = MAX_WORDS - count_words(fixed)
        note = NOTE_WORDS if len(self.findings) > 1 else 0
        left = max(left - count_words(self.links) - note, MIN_CLIPPED_WORDS)
        findings = [_clip(self.findings[0], min(left, MAX_FINDING_WORDS))]
        left -= count_words(findings)
        changes = [_clip(change, MAX_CHANGE_WORDS) for change in self.changes]
        if count_words(changes[:1]) > left:
            changes = [_clip(changes[0], left)] if left >= MIN_CLIPPED_WORDS else []
        left -= count_words(changes[:1])
        for number, finding in enumerate(self.findings[1:], 2):
            left += note if number == len(self.findings) else 0
            if count_words([finding]) > left:
                break
            findings.append(finding)
            left -= count_words([finding])
        n_hidden = len(self.findings) - len(findings)
        if n_hidden:
            findings.append(f"{pluralize(n_hidden, 'further finding')} on the page.")
            left -= note if n_hidden == 1 else 0
        fitting = changes[:1]
        for change in changes[1:]:
            left -= count_words([change])
            fitting += [change] if left >= 0 else []
        return replace(
            self, title=title, findings=tuple(findings), changes=tuple(fitting), owner=owner
        )


def count_words(texts: Iterable[str]) -> int:
    """Return the number of words of mrkdwn; addresses, marks and dots between parts are none."""
    return sum(_weight(word) for text in texts for word in _plain(text).split())


def _weight(word: str) -> int:
    core = word.strip(MARKS)
    return -(-len(core) // WORD_CHARACTERS) if any(map(str.isalnum, core)) else 0


def _plain(markup: str) -> str:
    return html.unescape(LINK.sub(r"\2", markup))


def _clip(text: str, limit: int) -> str:
    """Return the first words of a text: whole sentences where these are half of what fits."""
    words = text.split()
    n_fit, left = 0, limit
    while n_fit < len(words) and _weight(words[n_fit]) <= left:
        left -= _weight(words[n_fit])
        n_fit += 1
    if n_fit == len(words):
        return text
    clipped = " ".join([*words[:n_fit], words[n_fit][: left * WORD_CHARACTERS]])
    end = max(clipped.rfind(f"{mark} ") for mark in ".!?")
    return f"{clipped[:end] if 2 * end > len(clipped) else clipped.rstrip(' .,;:')}…"
