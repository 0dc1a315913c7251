"""Language model as a judge, at an OpenAI-compatible endpoint."""
