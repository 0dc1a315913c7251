"""`make release`: version, changelog, schema, distributions, their checks."""
