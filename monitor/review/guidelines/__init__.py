"""Review guidelines and task taxonomy: a file, or edited on the page; versioned by content."""

from monitor.review.guidelines.loader import load_taxonomy, parse_taxonomy, read_taxonomy
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import TaskType, Taxonomy, missing_task_types
from monitor.review.guidelines.versions import (
    has_scores,
    publish_taxonomy,
    store_current_taxonomy,
    task_types_in_force,
    taxonomy_by_version,
    taxonomy_in_force,
)

__all__ = [
    "TaskType",
    "Taxonomy",
    "Template",
    "has_scores",
    "load_taxonomy",
    "missing_task_types",
    "parse_taxonomy",
    "publish_taxonomy",
    "read_taxonomy",
    "store_current_taxonomy",
    "task_types_in_force",
    "taxonomy_by_version",
    "taxonomy_in_force",
]
