"""Compiled statements and TLS contexts that all tests of a process share.

Each engine compiles its statements anew, and each HTTP client reads the certificates of all
authorities anew: together a fifth of the processor time of tests with a database of their own.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from httpx._transports import default as httpx_transports
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from monitor.store import engine as engines

N_STATEMENTS = 5_000


@contextmanager
def shared_statements() -> Iterator[None]:
    """Let the engines of a kind have one dialect, which is part of the key of a statement."""
    create = engines.create_engine
    first: dict[str, Engine] = {}

    def create_engine(*arguments: Any, **options: Any) -> Engine:
        engine = create(*arguments, **options)
        shared = first.get(engine.dialect.name)
        # Only a dialect that has connected knows its server.
        if shared is None or shared.dialect.server_version_info is None:
            engine._compiled_cache = LRUCache(N_STATEMENTS)
            first[engine.dialect.name] = engine
        else:
            engine._compiled_cache = shared._compiled_cache
            engine.dialect = engine.pool._dialect = shared.dialect
        return engine

    with patch.object(engines, "create_engine", create_engine):
        yield


@contextmanager
def shared_authorities() -> Iterator[None]:
    """Let HTTP clients without TLS settings of their own have one context."""
    create = httpx_transports.create_ssl_context

    @cache
    def usual() -> ssl.SSLContext:
        return create()

    def create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:
        if verify is True and cert is None and trust_env:
            return usual()
        return create(verify=verify, cert=cert, trust_env=trust_env)

    with patch.object(httpx_transports, "create_ssl_context", create_ssl_context):
        yield
