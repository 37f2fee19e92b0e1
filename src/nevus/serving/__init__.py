"""The HTTP service: predictions that are served, stored, explained and labelled."""

from nevus.serving.app import create_app
from nevus.serving.settings import ServingSettings

__all__ = ["ServingSettings", "create_app"]
