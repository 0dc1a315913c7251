"""The inventory of personal data, from the declarations of tables and columns and the settings."""

import msgspec

from monitor.privacy.inventory.files import StoredFile, list_files
from monitor.privacy.inventory.recipients import Recipient, find_recipients
from monitor.privacy.retention.period_text import READERS, describe_period, describe_readers
from monitor.settings import Sections
from monitor.store.tables.facts import columns_of, facts_of, table_names
from monitor.table_types.contents import Content, Erasure


class InventoryColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column with personal data."""

    name: str
    holds: str
    erasure: str
    #: Why an erasure doesn't change it.
    reason: str = ""


class Store(msgspec.Struct, frozen=True):
    """A table or a kind of file with personal data."""

    place: str
    name: str
    purpose: str
    #: The kinds of personal data.
    holds: tuple[str, ...]
    period: str
    readers: str
    columns: tuple[InventoryColumn, ...]


class Field(msgspec.Struct, frozen=True):
    """A field that the site fills in, as this program can't know it."""

    name: str
    hint: str


class Inventory(msgspec.Struct, frozen=True):
    """The inventory: stored data by place, with personal data, purpose, period and readers."""

    to_fill_in: tuple[Field, ...]
    stores: tuple[Store, ...]
    #: Tables that hold no personal data.
    without_personal_data: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    #: Settings that protect the data, with their values.
    protection: dict[str, str]
    risks: tuple[str, ...]


TO_FILL_IN = (
    Field("Controller", "name and contact; joint controllers and the representative, if any"),
    Field("Data protection officer", "contact"),
    Field("Data subjects", "who writes to the model: customers, employees, children among them"),
    Field(
        "Legal basis", "for each purpose below, and for special categories of data in free texts"
    ),
    Field("Recipients", "who else gets data, with contracts of processors; some are listed below"),
    Field("Transfers", "to third countries, with the safeguards; where the services below run"),
    Field("Periods", "why each is needed; every table without a period, and every file"),
    Field("Readers", "which end users have which role, and who has access to the machine"),
    Field("Information", "how data subjects are told, and how they object and request"),
    Field("Necessity", "for the impact assessment: why the purposes need texts, and of this many"),
)
RISKS = (
    "Free text may hold special categories of data and third parties' data; redaction knows forms.",
    "Vectors can be inverted to approximate texts; protect the database like the texts.",
    "Dead letters are stored unredacted until their period ends.",
    "Weights can't forget: a version trained on an erased end user has to be replaced.",
    "The audit log can't be changed: what staff write as reasons stays.",
    "Backups, Kafka's log and log files are not erased; restore, then erase again.",
    "A pseudonym is personal data: whoever has its key, or a list of ids, finds the end user.",
)


def build_inventory(settings: Sections) -> Inventory:
    """Return the inventory, with the periods and recipients as configured."""
    tables = [_table(name, settings) for name in table_names()]
    stores = [table for table in tables if table.holds] + [
        _file(file) for file in list_files(settings)
    ]
    return Inventory(
        to_fill_in=TO_FILL_IN,
        stores=tuple(stores),
        without_personal_data=tuple(table.name for table in tables if not table.holds),
        recipients=tuple(find_recipients(settings)),
        protection=_protection(settings),
        risks=RISKS,
    )


def _table(name: str, settings: Sections) -> Store:
    columns = {
        column: value
        for column, value in columns_of(name).items()
        if value.content is not Content.NONE
    }
    contents = {column.content for column in columns.values()}
    return Store(
        place="database",
        name=name,
        purpose=facts_of(name).purpose,
        holds=tuple(content.value for content in Content if content in contents),
        period=describe_period(name, settings.retention),
        readers=describe_readers(name),
        columns=tuple(
            InventoryColumn(
                column,
                value.content.value,
                value.erasure.value,
                value.reason if value.erasure is Erasure.UNCHANGED else "",
            )
            for column, value in sorted(columns.items())
        ),
    )


def _file(file: StoredFile) -> Store:
    """Return the entry of a kind of file, which has one column: its rows or its text."""
    column = InventoryColumn("all", file.content.value, file.erasure, file.reason)
    return Store(
        place="files",
        name=file.name,
        purpose=file.purpose,
        holds=(file.content.value,),
        period=file.period,
        readers=READERS["operator"],
        columns=(column,),
    )


def _protection(settings: Sections) -> dict[str, str]:
    redaction = settings.redaction
    return {
        "redaction.enabled": _yes(redaction.enabled),
        "redaction.patterns": ", ".join(redaction.patterns) or "none",
        "redaction.presidio": _yes(redaction.presidio),
        "monitoring.sample_rate": f"{settings.monitoring.sample_rate:g}",
        "kafka.security_protocol": settings.kafka.security_protocol,
        "web.secure_cookies": _yes(settings.web.secure_cookies),
        "web.oidc.issuer": settings.web.oidc.issuer or "none",
    }


def _yes(value: bool) -> str:
    return "true" if value else "false"
