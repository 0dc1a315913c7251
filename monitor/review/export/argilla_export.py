"""Export to Argilla: a dataset's folder for ``Dataset.from_disk``."""

from collections.abc import Iterable, Sequence
from typing import Any

from monitor.review.export.gold import Gold, Row
from monitor.review.export.label_studio_export import GuidelinesOf
from monitor.review.export.training_examples import TrainingExample, provenance
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, ScoreQuestion
from monitor.settings import ModelSection
from monitor.store.review.gold_export import QueuedItem

#: Files of the folder.
RECORDS_FILE = "records.json"
SETTINGS_FILE = ".argilla/settings.json"
DATASET_FILE = ".argilla/dataset.json"

#: Agent of the suggestions; no reviewer is named.
AGENT = "driftwarden"


def dataset_model(name: str) -> dict[str, Any]:
    """Return the dataset's description."""
    return {"name": name, "status": "draft", "allow_extra_metadata": True}


def dataset_settings(scores: Sequence[ScoreQuestion]) -> dict[str, Any]:
    """Return the fields, the questions, and the distribution to two annotators."""
    return {
        "guidelines": "Judge the response by the guidelines. Two annotators review each record "
        "independently; don't discuss it before both have submitted.",
        "fields": [
            _field("conversation", "Conversation", "chat"),
            _field("response", "Response", "text"),
            _field("guidelines", "Guidelines", "text", required=False, use_markdown=True),
        ],
        "questions": [
            *(
                _question(
                    choice.name,
                    choice.title,
                    required=choice.required,
                    type="label_selection",
                    options=[
                        {"value": value, "text": text, "description": None}
                        for value, text in choice.options.items()
                    ],
                    visible_options=None,
                )
                for choice in CHOICES
            ),
            *(
                _question(
                    score.name,
                    score.title,
                    required=score.required,
                    type="rating",
                    options=[{"value": value} for value in range(1, 6)],
                )
                for score in scores
            ),
            *(
                _question(name, title, required=False, type="text", use_markdown=False)
                for name, title in (CORRECTED, COMMENT)
            ),
        ],
        "vectors": [],
        "metadata": [
            {
                "name": name,
                "title": name,
                "type": kind,
                "visible_for_annotators": False,
                "settings": {"type": kind},
            }
            for name, kind in (("item_id", "integer"), ("exchange_id", "terms"))
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 2},
        "mapping": None,
    }


def gold_records(gold: Gold, model: ModelSection, guidelines_of: GuidelinesOf) -> list[Row]:
    """Return gold as records whose suggestions are the agreed values."""
    return [
        _record(
            example.item,
            guidelines_of,
            # Argilla's metadata are texts and numbers.
            {
                name: value
                for name, value in provenance(example.item, model.version_field).items()
                if value is not None
            },
            _agreed(example),
        )
        for group in gold.examples.groups
        for example in group
    ]


def queue_records(items: Iterable[QueuedItem], guidelines_of: GuidelinesOf) -> list[Row]:
    """Return queued items as records to review, with only what a reviewer may see."""
    return [
        _record(
            item,
            guidelines_of,
            {"item_id": item.item_id, "exchange_id": item.exchange_id, "model": item.model},
            {CORRECTED[0]: item.model_response},
        )
        for item in items
    ]


def _record(
    item: QueuedItem,
    guidelines_of: GuidelinesOf,
    metadata: dict[str, Any],
    suggested: dict[str, str],
) -> Row:
    return {
        "id": f"item-{item.item_id}",
        "fields": {
            "conversation": item.messages,
            "response": item.model_response,
            "guidelines": guidelines_of(item),
        },
        "metadata": metadata,
        "suggestions": {
            name: {"value": value, "score": None, "agent": AGENT}
            for name, value in suggested.items()
            if value
        },
        "responses": {},
        "vectors": {},
        "status": "pending",
        "_server_id": None,
    }


def _agreed(example: TrainingExample) -> dict[str, str]:
    item = example.item
    return {
        "verdict": item.verdict,
        "error_kind": item.error_kind,
        "answerable": item.answerable,
        CORRECTED[0]: example.response,
    }


def _field(
    name: str, title: str, kind: str, *, required: bool = True, use_markdown: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "required": required,
        "settings": {"type": kind, "use_markdown": use_markdown},
    }


def _question(name: str, title: str, *, required: bool, **settings: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "description": None,
        "required": required,
        "settings": settings,
    }
