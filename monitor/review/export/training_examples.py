"""Training examples from gold items: production's prompt and the agreed response."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from monitor.review.guidelines import Taxonomy, Template
from monitor.review.guidelines.versions import taxonomy_by_version
from monitor.store.review.gold_export import GoldItem

Message = dict[str, str]


@dataclass(frozen=True)
class TrainingExample:
    """An example with its item."""

    item: GoldItem
    #: Messages, the system prompt included.
    prompt: list[Message]
    #: The agreed response, in the template's form.
    response: str
    #: Whether the task type has a fixed format, so that different responses contradict each other.
    has_fixed_format: bool


@dataclass(frozen=True)
class SkippedItem:
    """A gold item that can't be an example, with the reason."""

    item_id: int
    reason: str
    #: A stable name of the reason.
    code: str


@dataclass
class TaxonomyVersions:
    """Cache of the taxonomy versions under which items were reviewed."""

    connection: Connection
    #: For items that were reviewed without a taxonomy.
    system_prompt: str = ""
    _known: dict[str, Taxonomy | None] = field(default_factory=dict)

    def of(self, version: str) -> Taxonomy | None:
        """Return a version; ``None`` if it isn't stored."""
        if version not in self._known:
            self._known[version] = (
                taxonomy_by_version(self.connection, version)
                if version
                else without_task_types(self.system_prompt)
            )
        return self._known[version]


def without_task_types(system_prompt: str) -> Taxonomy:
    """Return the taxonomy of a model that has only a system prompt."""
    return Taxonomy(task_types={}, default_template=Template(system_prompt=_literal(system_prompt)))


def render(item: GoldItem, taxonomies: TaxonomyVersions) -> TrainingExample | SkippedItem:
    """Render an item with the template of the taxonomy version that it was reviewed under.

    A system prompt that the traffic recorded is preserved, because production used it.
    """
    taxonomy = taxonomies.of(item.taxonomy_version)
    code, reason = _unfit(item, taxonomy)
    if code or taxonomy is None:
        return SkippedItem(item.item_id, reason, code)
    template = taxonomy.template_of(item.task_type)
    parts = template.split(item.response)
    if parts is None:
        return SkippedItem(
            item.item_id,
            f"the response has no {template.part}, which the template requires",
            f"no_{template.part}",
        )
    prompt = [{"role": turn["role"], "content": turn["content"]} for turn in item.messages]
    system_prompt = taxonomy.system_prompt_of(item.task_type).strip()
    if system_prompt and not any(turn["role"] in {"system", "developer"} for turn in prompt):
        prompt.insert(0, {"role": "system", "content": system_prompt})
    task_type = taxonomy.task_types.get(item.task_type)
    return TrainingExample(
        item=item,
        prompt=prompt,
        response=template.write(*parts).strip(),
        has_fixed_format=task_type is not None and task_type.has_fixed_format,
    )


def provenance(item: GoldItem, version_field: str) -> dict[str, Any]:
    """Return an item's origin and decision, without names of reviewers."""
    version = item.attributes.get(version_field)
    return {
        "item_id": item.item_id,
        "revision": item.revision,
        "batch_id": item.batch_id,
        "exchange_id": item.exchange_id,
        "model": item.model,
        "model_version": "" if version is None else str(version),
        "window_start": item.window_start.isoformat(),
        "window_end": item.window_end.isoformat(),
        "task_type": item.task_type,
        "taxonomy_version": item.taxonomy_version,
        "slice": item.slice,
        "cluster": item.cluster,
        "selection_probability": item.selection_probability,
        "control_probability": item.control_probability,
        "verdict": item.verdict,
        "error_kind": item.error_kind,
        "answerable": item.answerable,
        "resolution": item.resolution,
        "n_reviewers": item.n_reviewers,
        "decided_at": item.decided_at.isoformat(),
    }


def item_of(metadata: Mapping[str, Any]) -> tuple[int, str]:
    """Return item and exchange of a row's :func:`provenance`; 0 or empty where a file has none."""
    number = metadata.get("item_id")
    return (number if isinstance(number, int) else 0), str(metadata.get("exchange_id") or "")


def _unfit(item: GoldItem, taxonomy: Taxonomy | None) -> tuple[str, str]:
    """Return code and reason of an item that can't be an example; empty texts if it can."""
    if taxonomy is None:
        version = item.taxonomy_version[:12]
        return "unknown_version", f"its taxonomy version {version} isn't stored"
    if not item.response.strip():
        return "no_correction", "rejected without a corrected response"
    if not item.messages:
        return "no_conversation", "its conversation isn't stored"
    if item.truncated:
        return "truncated", "its text was truncated when it was stored"
    return "", ""


def _literal(text: str) -> str:
    """Return a template that renders to the text unchanged, with its braces escaped."""
    return re.sub(r"\{([A-Za-z_]\w*)\}", r"{{\1}}", text)
