"""A training set and its files in a run's folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from monitor.table_types.documents import read_document
from retrain.data.data_card import Card, CountsTokens, tokens_of
from retrain.data.data_card_page import data_card
from retrain.data.rows import Row
from retrain.models.source import Source
from retrain.run_folder import RunFolder, read_json, write_json, write_lines, write_text


@dataclass(frozen=True)
class TrainingSet:
    """Rows in their written order, and their card."""

    rows: list[Row]
    card: Card
    #: Validation rows, on which the child measures the loss.
    validation: list[Row] = field(default_factory=list)
    #: Prompts whose responses the child generates: ``{"messages", "metadata", "split"}``, the
    #: messages without a response.
    replay_prompts: list[Row] = field(default_factory=list)
    #: Tokens of the longest example that was left out as too long; 0: there is none.
    longest_left_out: int = 0

    def with_remarks(self, remarks: Sequence[str]) -> "TrainingSet":
        """Return the set with further remarks."""
        card = msgspec.structs.replace(self.card, remarks=(*self.card.remarks, *remarks))
        return replace(self, card=card)

    def with_agreement(self, agreement: Mapping[str, Any] | None) -> "TrainingSet":
        """Return the set with the agreement of its gold's reviewers."""
        card = msgspec.structs.replace(self.card, agreement=dict(agreement) if agreement else None)
        return replace(self, card=card)

    def with_base(self, count_tokens: CountsTokens, serving: Source) -> "TrainingSet":
        """Return the set with the token counts and the responding model.

        The tokens are those of the trained base; the serving model may have another.
        """
        replay = self.card.self_generated
        if replay is not None:
            replay = msgspec.structs.replace(
                replay,
                base=serving.base,
                base_revision=serving.revision,
                adapter=serving.adapter,
                chat_template=serving.chat_template,
            )
        card = msgspec.structs.replace(
            self.card,
            tokens=tokens_of(self.rows, self.validation, count_tokens),
            self_generated=replay,
        )
        return replace(self, card=card)

    def write(self, folder: RunFolder) -> None:
        """Write ``train.jsonl``, ``validation.jsonl`` and the card into a run's folder.

        ``validation.jsonl`` exists only with validation rows, ``replay-prompts.jsonl`` only with
        prompts.
        """
        for path, rows in (
            (folder.validation_data, self.validation),
            (folder.replay_prompts, self.replay_prompts),
        ):
            if rows:
                write_lines(path, rows)
        write_card(folder, self.card)
        # Written last: its presence means that the set is complete.
        write_lines(folder.training_data, self.rows)


def write_card(folder: RunFolder, card: Card) -> None:
    """Write the card as JSON and as a Markdown page."""
    write_text(folder.data_card, data_card(card))
    write_json(folder.card, msgspec.to_builtins(card))


def copy_card(folder: RunFolder) -> None:
    """Copy the card to the adapter's folder, which may leave the run's folder."""
    for path in (folder.card, folder.data_card):
        if path.is_file():
            write_text(folder.adapter / path.name, path.read_text(encoding="utf-8"))


def read_card(folder: RunFolder) -> Card | None:
    """Read a run's card; ``None`` if there is none."""
    content = read_json(folder.card)
    return None if content is None else read_document(content, Card)
