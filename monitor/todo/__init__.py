"""To-do list over all models, for the page, the weekly digest and the command."""
