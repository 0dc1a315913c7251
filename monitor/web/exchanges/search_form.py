"""The form of a search: its fields, what is wrong with them, and the criteria that they mean."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from monitor.rendering.excerpts import excerpt
from monitor.store.search.query import WAITING, Criteria, Position
from monitor.stored_words import labels
from monitor.web.clock import parse_day
from monitor.web.forms.search_text import check_text

#: Characters of a name.
MAX_NAME = 200
#: The fields of the form, and the two of a link from a topic.
FIELDS = (
    *("q", "task_type", "version", "verdict", "metric", "least", "most", "since", "until"),
    *("evaluation", "topic"),
)
VERDICTS = labels({"accept": "Accept", "correct": "Correct", "reject": "Reject"})
VERDICT_CHOICES = {**VERDICTS, WAITING: "Waits for review"}
_POSITION = re.compile(r"([0-9]{1,17})-([0-9]{1,17})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class SearchForm:
    """The fields of a search as they were typed."""

    values: Mapping[str, str]
    #: What is wrong with them; a search is made only without.
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "SearchForm":
        """Return the form of an address."""
        return cls({name: parameters.get(name, "").strip() for name in FIELDS})

    @property
    def is_empty(self) -> bool:
        """Whether no field is filled in."""
        return not any(self.values.values())

    def criteria(self, model: str) -> Criteria:
        """Return what is searched for, but for the topic; note what is wrong in ``problems``."""
        values = self.values
        check_text(values["q"], self.problems)
        for name in ("task_type", "version", "metric"):
            if len(values[name]) > MAX_NAME:
                self._add(name.replace("_", " "), values[name], f"use at most {MAX_NAME}")
        least, most = self._number("least", -math.inf), self._number("most", math.inf)
        if (values["least"] or values["most"]) and not values["metric"]:
            self._add("metric", "", "name the metric of the range")
        elif least > most:
            self._add("least value", values["least"], f"it is above the highest, {values['most']}")
        since, until = self._day("since"), self._day("until")
        if since and until and until < since:
            self._add("To", values["until"], f"it is before From, {values['since']}")
        if values["verdict"] not in {"", *VERDICT_CHOICES}:
            self._add("verdict", values["verdict"], f"choose {', '.join(VERDICT_CHOICES)}")
        return Criteria(
            model=model,
            text=values["q"],
            task_type=values["task_type"],
            version=values["version"],
            verdict=values["verdict"],
            metric=values["metric"],
            least=least,
            most=most,
            since=since,
            until=until + timedelta(days=1) if until else None,
        )

    def address(self, model: str, position: Position | None = None) -> str:
        """Return the address of the search, from a position on."""
        query = {"model": model} if model else {}
        query |= {name: value for name, value in self.values.items() if value}
        if position is not None:
            query["before"] = format_position(position)
        return f"/exchanges?{urlencode(query)}" if query else "/exchanges"

    def number(self, name: str) -> int:
        """Return a number of a link, or note that it is none."""
        text = self.values[name]
        if not re.fullmatch("[0-9]{1,17}", text):
            self._add(name, text, "follow the link of a topic again")
            return -1
        return int(text)

    def _add(self, name: str, value: str, advice: str) -> None:
        self.problems.append(f"{name}: {excerpt(value, 40) or 'none'}; {advice}")

    def _number(self, name: str, default: float) -> float:
        text = self.values[name]
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._add(
                {"least": "Lowest", "most": "Highest"}[name], text, "write a number such as 0.5"
            )
            return default
        return value

    def _day(self, name: str) -> datetime | None:
        text = self.values[name]
        day = parse_day(text)
        if text and day is None:
            self._add({"since": "From", "until": "To"}[name], text, "write it as 2026-11-30")
        return day


def format_position(position: Position) -> str:
    """Return where a page begins, for an address."""
    return f"{(position[0] - _EPOCH) // timedelta(microseconds=1)}-{position[1]}"


def parse_position(text: str) -> Position | None:
    """Return where a page begins; ``None``: with the newest."""
    match = _POSITION.fullmatch(text)
    if match is None:
        return None
    return _EPOCH + timedelta(microseconds=int(match[1])), int(match[2])
