"""End-to-end demo on embedded defaults: SQLite, files as source, models from packages."""
