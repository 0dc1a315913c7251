"""Parsing of records: JSON, timestamps, text cleaning, raw exchanges."""
