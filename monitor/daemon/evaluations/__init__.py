"""Evaluations of all models, one after the other, in a child process with a time limit."""
