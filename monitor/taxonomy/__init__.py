"""What the experts judge by: a file in the user's repository, versioned by its content."""

from monitor.taxonomy.content import EdgeCase, Example, TaskType, Taxonomy
from monitor.taxonomy.coverage import names_missing
from monitor.taxonomy.load import load_taxonomy, read_taxonomy
from monitor.taxonomy.template import Template
from monitor.taxonomy.versions import remember_taxonomy, taxonomy_by_version

__all__ = [
    "EdgeCase",
    "Example",
    "TaskType",
    "Taxonomy",
    "Template",
    "load_taxonomy",
    "names_missing",
    "read_taxonomy",
    "remember_taxonomy",
    "taxonomy_by_version",
]
