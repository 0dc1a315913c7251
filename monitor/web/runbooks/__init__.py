"""The runbooks, which the messages of incidents link."""
