"""Review guidelines and task taxonomy: a file, or edited on the page; versioned by content."""

from monitor.review.guidelines.loader import load_taxonomy, parse_taxonomy, read_taxonomy
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.taxonomy import TaskType, Taxonomy, missing_task_types

__all__ = [
    "TaskType",
    "Taxonomy",
    "Template",
    "load_taxonomy",
    "missing_task_types",
    "parse_taxonomy",
    "read_taxonomy",
]
