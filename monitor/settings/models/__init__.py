"""Models of the configuration: their names, tables, and the origins of their settings."""
