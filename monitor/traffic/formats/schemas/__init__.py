"""Published schemas that more than one format is made of."""
