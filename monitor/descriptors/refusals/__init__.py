"""Refusals judged on the whole response, by rules in fourteen languages."""
