"""Gold leaves in the forms that others read: one rendering for the export and for retraining."""

from monitor.review.export.gold import Gold, read_gold, sft_rows
from monitor.review.export.preference_pairs import preference_rows

__all__ = ["Gold", "preference_rows", "read_gold", "sft_rows"]
