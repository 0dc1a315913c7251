"""Commands about what is stored of end users: the inventory, and the export for an end user."""
