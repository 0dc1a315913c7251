"""The weekly evaluation: a window against its baseline, to an assessment and a report."""
