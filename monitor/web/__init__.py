"""The review page, health and metrics, served by Litestar."""
