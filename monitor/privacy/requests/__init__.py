"""Requests of end users: sentences of staff about them, a lead's decisions, and a checklist."""
