"""Output formats that the task taxonomy in force for a model declares."""

from sqlalchemy import Engine

from monitor.review.guidelines.versions import taxonomy_in_force
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.windows.reading.declared_formats import DeclaredFormats, declared_formats


def formats_in_force(engine: Engine, settings: Settings) -> DeclaredFormats:
    """Return the output formats that the taxonomy in force for a model declares."""
    with transaction(engine) as connection:
        current = taxonomy_in_force(connection, settings.review, settings.model.name)
    return DeclaredFormats() if current.taxonomy is None else declared_formats(current.taxonomy)
