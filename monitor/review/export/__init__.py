"""Export of gold and of queued items; retraining reads the same examples."""

from monitor.review.export.gold import read_gold, sft_rows

__all__ = ["read_gold", "sft_rows"]
