"""Sentences of a request as a lead sees them: each once, with all its places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from monitor.privacy.requests.requests import Sentence


@dataclass(frozen=True)
class ListedSentence:
    """A sentence in all its places, to be decided at once."""

    places: Sequence[Sentence]

    @classmethod
    def from_places(cls, sentences: Iterable[Sentence]) -> list[Self]:
        """Return the sentences of a request, which are in the order of their numbers."""
        by_number = groupby(sentences, key=lambda place: place.row.number)
        return [cls(tuple(places)) for _, places in by_number]

    @property
    def number(self) -> int:
        """Its number in the request."""
        return self.places[0].row.number

    @property
    def first(self) -> Sentence:
        """The first place that has its words, of those that wait if there is one."""
        stored = [place for place in self.places if place.words]
        waiting = [place for place in stored if place.is_waiting]
        return (*waiting, *stored, *self.places)[0]

    @property
    def is_waiting(self) -> bool:
        """Whether it waits in one of the places."""
        return any(place.is_waiting for place in self.places)

    @property
    def lines(self) -> list[str]:
        """Each place once, and its state where it is another than the first's."""
        state = self.first.state
        described = (
            self.name(place) + (f": {place.state}" if place.state != state else "")
            for place in self.places
        )
        return list(dict.fromkeys(described))

    def name(self, place: Sentence) -> str:
        """Return the name of a place."""
        return place.row.place
