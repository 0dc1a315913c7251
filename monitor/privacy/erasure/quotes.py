"""Search and removal of quotes of exchanges in assessments and Slack messages."""

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from msgspec.structs import replace

from monitor.alerts.messages.incident import QUOTED_CHARACTERS
from monitor.rendering.excerpts import CHARACTERS_READ, excerpt
from monitor.rendering.excerpts import quote as quote_in_sentence
from monitor.rendering.mrkdwn import escape
from monitor.rendering.wording import example_line
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    Explanation,
    FamilyAssessment,
    Quote,
    Topic,
)
from monitor.traffic.redaction import Redactor
from monitor.windows.findings.explanations import QUOTING
from monitor.windows.findings.remarks import LARGE_USER
from monitor.windows.topics.examples import quote

REMOVED = "(removed)"
NAME_LIMIT = 40
#: The name of a topic of fewer exchanges may be the words of one end user.
MIN_EXCHANGES = 4
#: Characters of a passage that is one of a text, and not by chance.
MIN_PASSAGE = 12
_IN_MARKS = re.compile("“([^“”]*)”")


@dataclass(frozen=True)
class Quotes:
    """Quotes to be searched for."""

    #: Prompts with their responses; an example of drifted prompts has an empty response.
    exchanges: frozenset[Quote]
    #: Ids of end users as remarks show them.
    end_users: frozenset[str]
    #: Texts of which explanations, and names of topics, may quote a passage.
    texts: frozenset[str] = frozenset()

    @classmethod
    def of_exchanges(
        cls,
        texts: Iterable[tuple[str, str]],
        end_users: Iterable[str],
        redactors: Iterable[Redactor],
    ) -> Self:
        """Return the quotes of exchanges and of end users' ids.

        The texts are pairs of prompt and response; ids are as stored. The redactors are those that
        the quotes may have passed, now and when they were made.
        """
        redactors, texts = list(redactors), list(texts)
        quoted = {
            quote(prompt, quoted_response, redactor)
            for prompt, response in texts
            for redactor in redactors
            for quoted_response in (response, "")
        }
        return cls(
            exchanges=frozenset(quoted - {Quote(prompt="", response="")}),
            end_users=frozenset(excerpt(id_, NAME_LIMIT) for id_ in end_users if id_),
            texts=frozenset(
                excerpt(redactor.redact(text), CHARACTERS_READ)
                for exchange in texts
                for text in exchange
                for redactor in redactors
            ),
        )

    @classmethod
    def of_assessment(cls, assessment: Assessment) -> Self:
        """Return all quotes in an assessment."""
        families = (assessment.input, assessment.output)
        examples = [example for family in families for example in _examples(family)]
        named = [LARGE_USER.match(remark) for remark in assessment.remarks]
        return cls(
            exchanges=frozenset(
                [_as_quote(example) for example in examples]
                + [example.baseline for example in examples if example.baseline]
            ),
            end_users=frozenset(match[1] for match in named if match),
            texts=frozenset(
                text
                for family in families
                for explanation in family.explanations
                if explanation.kind in QUOTING
                for text in (explanation.text, explanation.before)
            ),
        )

    @classmethod
    def of_baseline(cls, assessment: Assessment) -> Self:
        """Return the quotes of the baseline in an assessment."""
        families = (assessment.input, assessment.output)
        quotes = [example.baseline for family in families for example in _examples(family)]
        return cls(
            exchanges=frozenset(filter(None, quotes)),
            end_users=frozenset(),
            texts=frozenset(
                explanation.before
                for family in families
                for explanation in family.explanations
                if explanation.kind in QUOTING
            ),
        )

    def remove_from(self, assessment: Assessment) -> tuple[Assessment, int]:
        """Return the assessment without the quotes, and their number."""
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
        headline, *findings = (
            self._clean_passages(_rename(line, renamed))[0]
            for line in (assessment.headline, *assessment.findings)
        )
        if not n_removed:
            return assessment, 0
        return (
            replace(
                assessment,
                input=families[0],
                output=families[1],
                remarks=tuple(line for line, _ in remarks),
                headline=headline,
                findings=tuple(findings),
            ),
            n_removed,
        )

    def remove_from_payload(self, payload: Any) -> tuple[Any, int]:
        """Return a Slack payload without the quotes, and the number of lines that held one."""
        if isinstance(payload, str):
            lines = [self._clean_line(line) for line in payload.split("\n")]
            return "\n".join(line for line, _ in lines), sum(n for _, n in lines)
        if isinstance(payload, list):
            parts = [self.remove_from_payload(part) for part in payload]
            return [part for part, _ in parts], sum(n for _, n in parts)
        if isinstance(payload, dict):
            fields = {key: self.remove_from_payload(part) for key, part in payload.items()}
            return (
                {key: part for key, (part, _) in fields.items()},
                sum(n for _, n in fields.values()),
            )
        return payload, 0

    @cached_property
    def _names(self) -> frozenset[str]:
        """Return the names of topics that are the beginning of a quote."""
        return frozenset(excerpt(text, NAME_LIMIT) for text in self._texts) - {""}

    @property
    def _texts(self) -> set[str]:
        return {exchange.prompt or exchange.response for exchange in self.exchanges}

    @cached_property
    def _quoted_names(self) -> list[tuple[str, str]]:
        """Return the names as remarks and messages quote them, and what replaces each."""
        quoted = {quote_in_sentence(text)[1:-1] for text in (*self._names, *self._texts) if text}
        return [
            (marks.format(form), marks.format(REMOVED))
            for name in self._names | quoted
            for marks in ("“{}”", "*{}*", ": {}*")
            for form in {name, escape(name, 100)}
        ]

    @cached_property
    def _lines(self) -> frozenset[str]:
        """Return the quotes as lines of a message."""
        lines = {example_line(exchange) for exchange in self.exchanges}
        return frozenset(escape(line, QUOTED_CHARACTERS) for line in lines)

    def _clean_family(
        self, family: FamilyAssessment
    ) -> tuple[FamilyAssessment, dict[str, str], int]:
        topics: list[Topic] = []
        renamed: dict[str, str] = {}
        n_removed = 0
        for topic in family.topics:
            examples, n = self._clean_examples(topic.examples)
            name = topic.name
            own_name = re.sub(r" \([0-9]+\)$", "", name)
            if (
                own_name in self._names
                or self._is_passage(own_name)
                or (len(examples) < len(topic.examples) and topic.n_current < MIN_EXCHANGES)
            ):
                renamed[name] = name = REMOVED
                n = max(n, 1)
            topics.append(replace(topic, examples=examples, name=name) if n else topic)
            n_removed += n
        outliers, n = self._clean_examples(family.outliers)
        n_removed += n
        # Half a pair shows no change.
        pairs = tuple(pair for pair in family.pairs if not self._clean_examples((pair.example,))[1])
        n_removed += len(family.pairs) - len(pairs)
        explanations = tuple(map(self._clean_explanation, family.explanations))
        n_removed += sum(map(operator.ne, explanations, family.explanations))
        cleaned = replace(
            family,
            topics=tuple(topics),
            outliers=outliers,
            pairs=pairs,
            explanations=explanations,
        )
        return cleaned, renamed, n_removed

    def _clean_explanation(self, explanation: Explanation) -> Explanation:
        if explanation.kind not in QUOTING:
            return explanation
        text, before = (
            REMOVED if text and self._is_quoted(text) else text
            for text in (explanation.text, explanation.before)
        )
        return replace(explanation, text=text, before=before)

    def _is_quoted(self, passage: str) -> bool:
        """Return whether a passage with slots and a cut end is of one of the texts."""
        parts = [part.strip() for part in passage.split("…") if part.strip()]
        return bool(parts) and any(all(part in text for part in parts) for text in self.texts)

    def _clean_passages(self, line: str) -> tuple[str, int]:
        """Return a sentence without quoted passages of the texts, and whether there were some."""
        cleaned = _IN_MARKS.sub(
            lambda match: f"“{REMOVED}”" if self._is_passage(match[1]) else match[0], line
        )
        return cleaned, int(cleaned != line)

    def _is_passage(self, quoted: str) -> bool:
        # A word of a topic's name is in many texts.
        long = len(quoted) >= MIN_PASSAGE and (" " in quoted or not quoted.isascii())
        return long and (self._is_quoted(quoted) or self._is_quoted(_unescaped(quoted)))

    def _clean_examples(self, examples: tuple[Example, ...]) -> tuple[tuple[Example, ...], int]:
        """Return the examples without the quotes, and the number of quotes removed."""
        left = [example for example in examples if _as_quote(example) not in self.exchanges]
        n_removed = len(examples) - len(left)
        for index, example in enumerate(left):
            if example.baseline in self.exchanges:
                left[index] = replace(example, baseline=None)
                n_removed += 1
        return tuple(left), n_removed

    def _clean_line(self, line: str) -> tuple[str, int]:
        """Return a remark or a line of a message without quotes, and their number."""
        bullet, text = ("• ", line[2:]) if line.startswith("• ") else ("", line)
        if text.startswith("> "):
            return (f"> {REMOVED}", 1) if text[2:] in self._lines else (line, 0)
        match = LARGE_USER.match(text)
        if match and self.end_users & {match[1], _unescaped(match[1])}:
            return bullet + text.replace(f"({match[1]})", REMOVED, 1), 1
        n = 0
        for quoted, removed in self._quoted_names:
            if quoted in line:
                line, n = line.replace(quoted, removed), 1
        cleaned, n_passages = self._clean_passages(line)
        return cleaned, n or n_passages


def _examples(family: FamilyAssessment) -> list[Example]:
    return [
        *(example for topic in family.topics for example in topic.examples),
        *family.outliers,
        *(pair.example for pair in family.pairs),
    ]


def _rename(line: str, names: Iterable[str]) -> str:
    """Return a sentence of the assessment without the names and texts that it quotes."""
    for name in names:
        line = line.replace(quote_in_sentence(name), f"“{REMOVED}”")
    return line


def _as_quote(example: Example) -> Quote:
    return Quote(prompt=example.prompt, response=example.response)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
