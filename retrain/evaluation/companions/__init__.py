"""Flaws of responses that metrics of words or forms can't see, beside the incumbent's."""
