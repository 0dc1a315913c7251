"""Draws of public prompts and responses from which known pairs are made."""

import json
from pathlib import Path

import numpy as np

#: Intents that no window has unless a pair plants them.
HELD_BACK = ("international_visa", "vaccines", "traffic", "recipe", "taxes")


class Sources:
    """Seeded draws without replacement from CLINC150 and AlpacaEval."""

    def __init__(self, data: Path, seed: int) -> None:
        """Read the data sets in a folder."""
        self.rng = np.random.default_rng(seed)
        splits = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
        self._by_intent: dict[str, list[str]] = {}
        for name in ("train", "val", "test"):
            for text, intent in splits[name]:
                self._by_intent.setdefault(intent, []).append(text)
        releases = ("0301", "0613", "1106")
        self._releases = [
            json.loads((data / "alpaca_eval" / f"gpt-3.5-turbo-{name}.json").read_text("utf-8"))
            for name in releases
        ]

    def queries(self, n: int, *, left_out: tuple[str, ...] = ()) -> list[str]:
        """Return n queries of the intents that are held back by none, each once until drawn."""
        skipped = {*HELD_BACK, *left_out}
        known = [
            text
            for intent, texts in sorted(self._by_intent.items())
            if intent not in skipped
            for text in texts
        ]
        return [known[row] for row in self.rng.permutation(len(known))[:n]]

    def two(self, n: int, *, left_out: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
        """Return two draws that share no query."""
        drawn = self.queries(2 * n, left_out=left_out)
        return drawn[:n], drawn[n:]

    def of_intent(self, intent: str, n: int) -> list[str]:
        """Return n queries of one intent."""
        texts = self._by_intent[intent]
        return [texts[row] for row in self.rng.permutation(len(texts))[:n]]

    def release(
        self, number: int, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ) -> list[tuple[str, str]]:
        """Return prompts and responses of a release (0, 1, 2)."""
        records = self._releases[number]
        return [(records[row]["instruction"], records[row]["output"]) for row in rows]

    def instructions(self, n: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Return the rows of n instructions."""
        return self.rng.permutation(len(self._releases[0]))[:n]
