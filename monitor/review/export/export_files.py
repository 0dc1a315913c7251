"""Files of an export, by format, before they are written."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from monitor.errors import InputError
from monitor.review.export import argilla_export, label_studio_export
from monitor.review.export.gold import read_gold, sft_rows
from monitor.review.export.preference_pairs import preference_rows
from monitor.review.export.serialization import as_array, as_document, as_lines
from monitor.review.export.training_examples import TaxonomyVersions
from monitor.review.guidelines.writer import guidelines_as_markdown
from monitor.review.items.questions import score_questions
from monitor.settings import Settings
from monitor.store.review.gold_export import ItemFilter, QueuedItem, queued_items

Format = Literal["sft", "preference", "label-studio", "argilla"]
#: Formats of tools in which people review.
TOOLS: tuple[Format, ...] = ("label-studio", "argilla")


@dataclass(frozen=True)
class Export:
    """The files of an export."""

    #: The file with the rows; "-" is standard output.
    place: str
    text: str
    n_rows: int
    #: Files that describe the rows, such as a labeling configuration.
    companion_files: dict[Path, str]
    remarks: list[str]


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """The options of an export."""

    format: Format
    out: Path | None
    config_out: Path | None = None
    bare: bool = False
    #: Export queued items instead of gold.
    queue: bool = False
    item_filter: ItemFilter

    def check(self) -> None:
        """Raise ``InputError`` for options that can't be combined."""
        if self.queue and self.format not in TOOLS:
            raise InputError(
                "--queue needs a labeling tool: use --format label-studio or argilla",
                code="queue_format",
            )
        if self.bare and self.format in TOOLS:
            raise InputError(
                "--bare applies to training data: use --format sft or preference",
                code="bare_format",
            )
        if self.config_out is not None and self.format != "label-studio":
            raise InputError("--config-out needs --format label-studio", code="config_format")
        if self.format == "argilla" and self.out is None:
            raise InputError(
                "--format argilla writes a folder; name it with --out", code="no_folder"
            )
        if self.queue and (self.item_filter.since or self.item_filter.resolution):
            raise InputError(
                "--since and --resolution apply to gold; remove them or --queue", code="gold_filter"
            )


@dataclass
class _Guidelines:
    """The guidelines beside the exported items, and what they ask for."""

    taxonomies: TaxonomyVersions
    #: Whether the items' guidelines have scores.
    has_scores: set[bool] = field(default_factory=set)

    def of(self, item: QueuedItem) -> str:
        """Return an item's guidelines in Markdown; empty without any."""
        taxonomy = self.taxonomies.of(item.taxonomy_version)
        task_type = taxonomy.task_types.get(item.task_type) if taxonomy else None
        self.has_scores.add(task_type is None or task_type.has_scores)
        return guidelines_as_markdown(task_type) if task_type else ""


def build_export(connection: Connection, settings: Settings, request: ExportRequest) -> Export:
    """Return the files of an export, with remarks on items that are not exported."""
    guidelines = _Guidelines(TaxonomyVersions(connection))
    rows, remarks = _rows(connection, settings, request, guidelines)
    scores = score_questions(guidelines.has_scores)
    place = "-" if request.out is None else str(request.out.resolve())
    companion_files: dict[Path, str] = {}
    if request.format == "argilla" and request.out is not None:
        place = str(request.out.resolve() / argilla_export.RECORDS_FILE)
        companion_files = {
            request.out / argilla_export.SETTINGS_FILE: as_document(
                argilla_export.dataset_settings(scores)
            ),
            request.out / argilla_export.DATASET_FILE: as_document(
                argilla_export.dataset_model(request.out.resolve().name)
            ),
        }
    if request.config_out is not None:
        companion_files[request.config_out] = label_studio_export.labeling_config(scores)
    text = as_array(rows) if request.format in TOOLS else as_lines(rows)
    return Export(place, text, len(rows), companion_files, remarks)


def _rows(
    connection: Connection, settings: Settings, request: ExportRequest, guidelines: _Guidelines
) -> tuple[list[dict[str, object]], list[str]]:
    if request.queue:
        items = queued_items(connection, request.item_filter)
        if request.format == "argilla":
            return argilla_export.queue_records(items, guidelines.of), []
        return label_studio_export.queue_tasks(items, guidelines.of), []
    gold = read_gold(connection, settings.model, request.item_filter)
    if request.format == "sft":
        rows = sft_rows(gold, settings.model, bare=request.bare)
    elif request.format == "preference":
        rows = preference_rows(gold, settings.model, bare=request.bare)
    elif request.format == "argilla":
        rows = argilla_export.gold_records(gold, settings.model, guidelines.of)
    else:
        rows = label_studio_export.gold_tasks(gold, settings.model, guidelines.of)
    return rows, gold.remarks()
