"""What evaluations and messages quote of exchanges: found again, and taken out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from msgspec.structs import replace

from monitor.alerts.mrkdwn import escape
from monitor.evaluation.excerpts import excerpt
from monitor.evaluation.large_users import LARGE_USER
from monitor.evaluation.topics import shown
from monitor.store.assessment import Assessment, FamilyAssessment, Topic
from monitor.traffic.redaction import Redactor

REMOVED = "(removed)"
#: How the remark on prompts outside the topics begins, and how it quotes them.
FOREIGN = "The most foreign prompts outside the topics"
QUOTED = re.compile("“([^”]*)”")
FOREIGN_LIMIT = 100
NAME_LIMIT = 40
#: A topic of fewer exchanges has a name that may be one person's words.
FEW = 4


@dataclass(frozen=True)
class Quotes:
    """Texts that may stand somewhere as quotations."""

    #: As examples of topics show them.
    examples: frozenset[str]
    #: As the remark on foreign prompts shows them.
    foreign: frozenset[str]
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
        prompts, examples = set(), set()
        for prompt, response in texts:
            for redactor in redactors:
                prompts.add(shown(prompt, response, "prompts", redactor))
                examples.add(shown(prompt, response, "answers", redactor))
        prompts.discard("")
        return cls(
            examples=frozenset(prompts | examples),
            foreign=frozenset(excerpt(one, FOREIGN_LIMIT) for one in prompts),
            users=frozenset(excerpt(user, NAME_LIMIT) for user in users if user),
        )

    @classmethod
    def of_assessment(cls, assessment: Assessment) -> Self:
        """Return everything that an assessment quotes."""
        topics = [*assessment.input.topics, *assessment.output.topics]
        foreign = [one for one in assessment.remarks if one.startswith(FOREIGN)]
        named = [LARGE_USER.match(remark) for remark in assessment.remarks]
        return cls(
            examples=frozenset(example for topic in topics for example in topic.examples),
            foreign=frozenset(quote for remark in foreign for quote in QUOTED.findall(remark)),
            users=frozenset(match[1] for match in named if match),
        )

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
        return frozenset(excerpt(one, NAME_LIMIT) for one in self.examples) - {""}

    @cached_property
    def _escaped(self) -> frozenset[str]:
        return frozenset(escape(one, 300) for one in self.examples)

    def _clean_family(
        self, family: FamilyAssessment
    ) -> tuple[FamilyAssessment, dict[str, str], int]:
        topics: list[Topic] = []
        renamed: dict[str, str] = {}
        n_removed = 0
        for topic in family.topics:
            kept = tuple(one for one in topic.examples if one not in self.examples)
            n = len(topic.examples) - len(kept)
            name = topic.name
            if _without_number(name) in self._names or (n and topic.n_current < FEW):
                renamed[name] = name = REMOVED
                n = max(n, 1)
            topics.append(replace(topic, examples=kept, name=name) if n else topic)
            n_removed += n
        return replace(family, topics=tuple(topics)), renamed, n_removed

    def _clean_line(self, line: str) -> tuple[str, int]:
        """Return a remark, or a line of a message, without what it quotes."""
        bullet, text = ("• ", line[2:]) if line.startswith("• ") else ("", line)
        if text.startswith("> "):
            return (f"> {REMOVED}", 1) if text[2:] in self._escaped else (line, 0)
        if text.startswith(FOREIGN):
            return (f"{bullet}{FOREIGN}: {REMOVED}.", 1) if self._is_foreign(text) else (line, 0)
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

    def _is_foreign(self, line: str) -> bool:
        """Tell whether the remark holds one of the texts; the last may be cut off."""
        quotes = [_unescaped(one) for one in QUOTED.findall(line)]
        cut = line.rpartition("“")[2]
        if "”" not in cut:
            beginning = _unescaped(cut.rstrip("…"))
            quotes += [one for one in self.foreign if beginning and one.startswith(beginning)]
        return not self.foreign.isdisjoint(quotes) or any(
            _unescaped(escape(one)) in quotes for one in self.foreign
        )


def _without_number(name: str) -> str:
    return re.sub(r" \([0-9]+\)$", "", name)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
