"""The registry of versions: stages, facts, and its mirror."""
