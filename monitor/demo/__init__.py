"""The whole loop on embedded defaults: SQLite, a file as source, models that packages carry."""
