"""Review guidelines and task taxonomy: a file in the user's repository, versioned by content."""

from monitor.review.guidelines.loader import load_taxonomy, read_taxonomy
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import TaskType, Taxonomy, missing_task_types
from monitor.review.guidelines.versions import (
    configured_task_types,
    store_current_taxonomy,
    taxonomy_by_version,
)

__all__ = [
    "TaskType",
    "Taxonomy",
    "Template",
    "configured_task_types",
    "load_taxonomy",
    "missing_task_types",
    "read_taxonomy",
    "store_current_taxonomy",
    "taxonomy_by_version",
]
