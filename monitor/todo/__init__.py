"""What needs a person, of all models: one list for the page, the weekly digest and the command."""
