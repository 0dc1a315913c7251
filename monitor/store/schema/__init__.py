"""The schema of a database: releases, migrations' safety copies, checks, rows of older releases."""
