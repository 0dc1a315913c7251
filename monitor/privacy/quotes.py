"""What evaluations and messages quote of exchanges: found again, and taken out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from msgspec.structs import replace

from monitor.alerts.messages.incident import QUOTED_CHARACTERS
from monitor.alerts.messages.mrkdwn import escape
from monitor.rendering.excerpts import excerpt
from monitor.rendering.wording import example_line
from monitor.store.windows.assessment import Assessment, Example, FamilyAssessment, Quote, Topic
from monitor.traffic.redaction import Redactor
from monitor.windows.comparison.large_users import LARGE_USER
from monitor.windows.topics.examples import quote

REMOVED = "(removed)"
NAME_LIMIT = 40
#: A topic of fewer exchanges has a name that may be one person's words.
FEW = 4


@dataclass(frozen=True)
class Quotes:
    """Texts that may stand somewhere as quotations."""

    #: Prompts with their responses; an example of drifted prompts has no response.
    exchanges: frozenset[Quote]
    #: User ids, as a remark names them.
    users: frozenset[str]

    @classmethod
    def of_exchanges(
        cls, texts: Iterable[tuple[str, str]], users: Iterable[str], redactors: Iterable[Redactor]
    ) -> Self:
        """Return how prompts and responses, and users, would be quoted.

        Args:
            texts: A prompt and a response each.
            users: Ids as they are stored.
            redactors: What may have redacted the examples: now, and when they were made.
        """
        redactors = list(redactors)
        quoted = {
            quote(prompt, shown, redactor)
            for prompt, response in texts
            for redactor in redactors
            for shown in (response, "")
        }
        return cls(
            exchanges=frozenset(quoted - {Quote(prompt="", response="")}),
            users=frozenset(excerpt(user, NAME_LIMIT) for user in users if user),
        )

    @classmethod
    def of_assessment(cls, assessment: Assessment) -> Self:
        """Return everything that an assessment quotes."""
        families = (assessment.input, assessment.output)
        examples = [one for family in families for one in _examples(family)]
        named = [LARGE_USER.match(remark) for remark in assessment.remarks]
        return cls(
            exchanges=frozenset(
                [_as_quote(one) for one in examples]
                + [one.before for one in examples if one.before]
            ),
            users=frozenset(match[1] for match in named if match),
        )

    @classmethod
    def of_baseline(cls, assessment: Assessment) -> Self:
        """Return what an assessment quotes of its baseline."""
        families = (assessment.input, assessment.output)
        before = [one.before for family in families for one in _examples(family)]
        return cls(exchanges=frozenset(one for one in before if one), users=frozenset())

    def remove_from(self, assessment: Assessment) -> tuple[Assessment, int]:
        """Return the assessment without the quotes, and how many there were."""
        families: list[FamilyAssessment] = []
        renamed: dict[str, str] = {}
        n_removed = 0
        for family in (assessment.input, assessment.output):
            cleaned, names, n = self._clean_family(family)
            families.append(cleaned)
            renamed |= names
            n_removed += n
        remarks = [self._clean_line(remark) for remark in assessment.remarks]
        n_removed += sum(n for _, n in remarks)
        headline = assessment.headline
        for name in renamed:
            headline = headline.replace(f"“{name}”", f"“{REMOVED}”")
        if not n_removed:
            return assessment, 0
        return (
            replace(
                assessment,
                input=families[0],
                output=families[1],
                remarks=tuple(line for line, _ in remarks),
                headline=headline,
            ),
            n_removed,
        )

    def remove_from_payload(self, payload: Any) -> tuple[Any, int]:
        """Return a message to Slack without the quotes, and how many lines held one."""
        if isinstance(payload, str):
            lines = [self._clean_line(line) for line in payload.split("\n")]
            return "\n".join(line for line, _ in lines), sum(n for _, n in lines)
        if isinstance(payload, list):
            cleaned = [self.remove_from_payload(one) for one in payload]
            return [one for one, _ in cleaned], sum(n for _, n in cleaned)
        if isinstance(payload, dict):
            parts = {key: self.remove_from_payload(one) for key, one in payload.items()}
            return {key: one for key, (one, _) in parts.items()}, sum(n for _, n in parts.values())
        return payload, 0

    @cached_property
    def _names(self) -> frozenset[str]:
        """Return the names of topics that are the beginning of an example."""
        texts = {one.prompt or one.response for one in self.exchanges}
        return frozenset(excerpt(one, NAME_LIMIT) for one in texts) - {""}

    @cached_property
    def _lines(self) -> frozenset[str]:
        """Return the quotes as lines of a message."""
        lines = {example_line(one) for one in self.exchanges}
        return frozenset(escape(line, QUOTED_CHARACTERS) for line in lines)

    def _clean_family(
        self, family: FamilyAssessment
    ) -> tuple[FamilyAssessment, dict[str, str], int]:
        topics: list[Topic] = []
        renamed: dict[str, str] = {}
        n_removed = 0
        for topic in family.topics:
            kept, n = self._clean_examples(topic.examples)
            name = topic.name
            if _without_number(name) in self._names or (
                len(kept) < len(topic.examples) and topic.n_current < FEW
            ):
                renamed[name] = name = REMOVED
                n = max(n, 1)
            topics.append(replace(topic, examples=kept, name=name) if n else topic)
            n_removed += n
        outliers, n = self._clean_examples(family.outliers)
        cleaned = replace(family, topics=tuple(topics), outliers=outliers)
        return cleaned, renamed, n_removed + n

    def _clean_examples(self, examples: tuple[Example, ...]) -> tuple[tuple[Example, ...], int]:
        """Return those that quote nothing that is to go, and how much did."""
        kept = [one for one in examples if _as_quote(one) not in self.exchanges]
        n_removed = len(examples) - len(kept)
        for index, example in enumerate(kept):
            if example.before in self.exchanges:
                kept[index] = replace(example, before=None)
                n_removed += 1
        return tuple(kept), n_removed

    def _clean_line(self, line: str) -> tuple[str, int]:
        """Return a remark, or a line of a message, without what it quotes."""
        bullet, text = ("• ", line[2:]) if line.startswith("• ") else ("", line)
        if text.startswith("> "):
            return (f"> {REMOVED}", 1) if text[2:] in self._lines else (line, 0)
        user = LARGE_USER.match(text)
        if user and self.users & {user[1], _unescaped(user[1])}:
            return bullet + text.replace(f"({user[1]})", REMOVED, 1), 1
        n = 0
        for name in self._names:
            for around in ("“{}”", "*{}*", ": {}*"):
                for form in {name, escape(name, 100)}:
                    quoted = around.format(form)
                    if quoted in line:
                        line = line.replace(quoted, around.format(REMOVED))
                        n = 1
        return line, n


def _examples(family: FamilyAssessment) -> list[Example]:
    return [*(one for topic in family.topics for one in topic.examples), *family.outliers]


def _as_quote(example: Example) -> Quote:
    return Quote(prompt=example.prompt, response=example.response)


def _without_number(name: str) -> str:
    return re.sub(r" \([0-9]+\)$", "", name)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
