"""Samples of two windows, validated and pooled."""
