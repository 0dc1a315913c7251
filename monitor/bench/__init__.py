"""Measure the drift statistics against their goals and their peers, on anyone's labelled data."""
