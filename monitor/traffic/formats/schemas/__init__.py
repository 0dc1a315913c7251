"""Published schemas that several formats share."""
