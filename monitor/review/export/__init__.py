"""Export of gold and of queued items; retraining reads the same examples."""

from monitor.review.export.gold import Gold, read_gold, sft_rows
from monitor.review.export.preference_pairs import preference_rows

__all__ = ["Gold", "preference_rows", "read_gold", "sft_rows"]
