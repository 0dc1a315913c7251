"""Database: tables, engine, and a folder of queries for each room."""
