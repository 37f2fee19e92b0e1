"""The typed Python client of the HTTP API."""

from nevus.client.client import Client
from nevus.client.errors import ClientError, UnreachableError
from nevus.client.models import SERVED
from nevus.client.pictures import BatchImage, StoredImage

__all__ = ["SERVED", "BatchImage", "Client", "ClientError", "StoredImage", "UnreachableError"]
