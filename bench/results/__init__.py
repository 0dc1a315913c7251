"""Measured figures with their origin: the file of results, and the tables made from it."""
