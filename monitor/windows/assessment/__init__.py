"""The assessment: its construction from findings, and its provenance."""
