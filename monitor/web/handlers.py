"""Kinds of route handlers, all of which run in threads: they read the database."""

from functools import partial

import litestar

#: A page, or what the API returns.
get = partial(litestar.get, sync_to_thread=True)
#: A form, which leads to a page.
form = partial(litestar.post, status_code=303, sync_to_thread=True)
#: A change by the API.
post = partial(litestar.post, status_code=200, sync_to_thread=True)
