"""Texts that pages, messages and terminals share: excerpts, numbers and phrases."""
