"""`nevus data`: what comes before a model."""

from nevus.cli.data.app import app

__all__ = ["app"]
