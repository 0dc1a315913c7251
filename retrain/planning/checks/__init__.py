"""Checks of a recipe and its examples, before a device is used."""
