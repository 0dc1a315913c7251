"""Export to Label Studio: labeling configuration and tasks."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from monitor.review.export.gold import Gold, Row
from monitor.review.export.training_examples import TrainingExample, provenance
from monitor.review.items.questions import CHOICES, COMMENT, CORRECTED, ScoreQuestion
from monitor.settings import ModelSection
from monitor.store.review.gold_export import QueuedItem

#: Returns an item's guidelines in Markdown.
GuidelinesOf = Callable[[QueuedItem], str]

_HEAD = """\
<View>
  <Header value="Conversation"/>
  <Paragraphs name="conversation" value="$conversation"
              layout="dialogue" nameKey="role" textKey="content"/>
  <Header value="Response"/>
  <Text name="response" value="$response"/>
  <Header value="Guidelines"/>
  <Text name="guidelines" value="$guidelines"/>"""
_SINGLE = 'choice="single"'
_ONE_TEXT = 'rows="8" maxSubmissions="1" editable="true"'


def labeling_config(scores: Sequence[ScoreQuestion]) -> str:
    """Return the XML of a project's labeling interface, with the questions of a review."""
    lines = [_HEAD]
    for choice in CHOICES:
        required = str(choice.required).lower()
        lines += [
            _header(choice.title),
            f'  <Choices name="{choice.name}" toName="response" {_SINGLE} required="{required}">',
            *(
                f'    <Choice value="{value}" html={quoteattr(text)}/>'
                for value, text in choice.options.items()
            ),
            "  </Choices>",
        ]
    for score in scores:
        required = str(score.required).lower()
        rating = f'name="{score.name}" toName="response" maxRating="5" required="{required}"'
        lines += [_header(score.title), f"  <Rating {rating}/>"]
    for name, title in (CORRECTED, COMMENT):
        area = f'  <TextArea name="{name}" toName="response" {_ONE_TEXT}/>'
        lines += [_header(title), area]
    return "\n".join([*lines, "</View>", ""])


def gold_tasks(gold: Gold, model: ModelSection, guidelines_of: GuidelinesOf) -> list[Row]:
    """Return gold as annotated tasks; the model's response is the prediction."""
    return [
        _task(example.item, guidelines_of)
        | {"annotations": [{"result": _agreed(example), "ground_truth": True}]}
        | {"predictions": [_prediction(example.item)]}
        | {"meta": provenance(example.item, model.version_field)}
        for group in gold.examples.groups
        for example in group
    ]


def queue_tasks(items: Iterable[QueuedItem], guidelines_of: GuidelinesOf) -> list[Row]:
    """Return queued items as tasks to review, with only what a reviewer may see."""
    return [
        _task(item, guidelines_of)
        | {"annotations": [], "predictions": [_prediction(item)]}
        | {"meta": {"exchange_id": item.exchange_id, "model": item.model}}
        for item in items
    ]


def _header(text: str) -> str:
    return f"  <Header value={quoteattr(text)}/>"


def _task(item: QueuedItem, guidelines_of: GuidelinesOf) -> Row:
    return {
        "data": {
            "item_id": item.item_id,
            "exchange_id": item.exchange_id,
            "task_type": item.task_type,
            "taxonomy_version": item.taxonomy_version,
            "guidelines": guidelines_of(item),
            "conversation": item.messages,
            "response": item.model_response,
        }
    }


def _prediction(item: QueuedItem) -> dict[str, Any]:
    return {
        "model_version": item.model,
        "result": [_region(CORRECTED[0], "textarea", {"text": [item.model_response]})],
    }


def _agreed(example: TrainingExample) -> list[dict[str, Any]]:
    item = example.item
    fields = {"verdict": item.verdict, "error_kind": item.error_kind, "answerable": item.answerable}
    regions = [
        _region(name, "choices", {"choices": [value]}) for name, value in fields.items() if value
    ]
    return [*regions, _region(CORRECTED[0], "textarea", {"text": [example.response]})]


def _region(name: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "from_name": name, "to_name": "response", "type": kind, "value": value}
