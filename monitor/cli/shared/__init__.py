"""Parts shared by several commands."""
