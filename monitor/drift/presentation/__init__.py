"""Results for notebooks: documents, frames and figures."""
