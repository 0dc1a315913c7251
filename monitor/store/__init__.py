"""The state in SQL: tables, the engine, and one module of named queries for each aggregate."""
