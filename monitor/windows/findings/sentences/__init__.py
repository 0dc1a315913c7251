"""Sentences of an assessment: its findings in order, and the headline, which says the first."""
