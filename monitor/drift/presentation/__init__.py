"""Results for notebooks: documents, frames, HTML and figures."""
