"""Expert review: selection, the two-reviewer workflow, agreement, estimate and decision."""
