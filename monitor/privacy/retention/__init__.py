"""Retention: periods, and the removal of rows and files that are past theirs."""
