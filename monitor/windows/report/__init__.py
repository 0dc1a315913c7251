"""Reports of an assessment: HTML page, terminal, and Evidently's page."""
