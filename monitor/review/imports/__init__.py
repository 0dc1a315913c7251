"""Import of reviews from labeling tools, by the rules of the review workflow."""

from monitor.review.imports.argilla_import import read_argilla
from monitor.review.imports.label_studio_import import read_label_studio
from monitor.review.imports.parsed_reviews import read_reviewer_map
from monitor.review.imports.submission import import_reviews

__all__ = [
    "import_reviews",
    "read_argilla",
    "read_label_studio",
    "read_reviewer_map",
]
