"""Sentences of comparisons whose truth is known."""
