"""Reviews that were done in another tool become reviews here, by the rules of the workflow."""

from monitor.review.imports.apply import Imported, import_reviews
from monitor.review.imports.argilla import read_argilla
from monitor.review.imports.found import Found, FoundReview, read_reviewer_map
from monitor.review.imports.label_studio import read_label_studio

__all__ = [
    "Found",
    "FoundReview",
    "Imported",
    "import_reviews",
    "read_argilla",
    "read_label_studio",
    "read_reviewer_map",
]
