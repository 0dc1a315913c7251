"""Inventory of personal data: a draft for the record of processing and the impact assessment."""
