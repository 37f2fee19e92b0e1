"""The typed Python client of the HTTP API."""

from nevus.client.errors import ClientError, UnreachableError

__all__ = ["ClientError", "UnreachableError"]
