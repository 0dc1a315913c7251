"""Reasons for which a database refuses a connection, and their remedies."""

import re

PASSWORD = "correct the password in database.url or DRIFTWARDEN_DATABASE_PASSWORD"  # noqa: S105
#: Patterns of libpq's and the server's messages, with the code and the remedy of each.
REASONS = (
    (
        r"certificate verify failed",
        "database_certificate_refused",
        "set sslrootcert in database.url to the server's authority; renew an expired certificate",
    ),
    (
        r"does not match host name",
        "database_certificate_of_other_host",
        "use a name of the server's certificate in database.url",
    ),
    (
        r"root certificate file .* does not exist",
        "database_authority_missing",
        "set sslrootcert in database.url to the authority's certificate, in PEM",
    ),
    (r"server does not support SSL", "database_without_tls", "turn on ssl on the server"),
    (
        r"no pg_hba\.conf entry .*no encryption",
        "database_with_tls",
        "add ?sslmode=verify-full to database.url",
    ),
    (r"no pg_hba\.conf entry", "database_refused", "permit user, database and address there"),
    (r"password authentication failed", "database_password_refused", PASSWORD),
    (r"no password supplied", "database_password_refused", PASSWORD),
    (
        r"invalid sslmode value",
        "malformed_database_url",
        "use disable, require, verify-ca or verify-full",
    ),
    (
        r"could not write init file|No space left on device",
        "database_disk_full",
        "make room on the disk of the database's server",
    ),
    (r"invalid connection option", "malformed_database_url", "correct it in database.url"),
)


def explain_refusal(message: str) -> tuple[str, str]:
    """Return the code of a refusal and its message with a remedy; others have no code.

    Example:
        >>> explain_refusal("server does not support SSL")
        ('database_without_tls', 'server does not support SSL; turn on ssl on the server')
    """
    for pattern, code, remedy in REASONS:
        if re.search(pattern, message):
            return code, f"{message}; {remedy}"
    return "", message
