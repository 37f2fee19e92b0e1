"""Bringing public datasets through their official clients."""

from nevus.data.fetch.errors import CredentialsError, FetchError, OfflineError, UnknownDatasetError
from nevus.data.fetch.fetch import Fetched, fetch
from nevus.data.fetch.plans import PLANS, FetchPlan

__all__ = [
    "PLANS",
    "CredentialsError",
    "FetchError",
    "FetchPlan",
    "Fetched",
    "OfflineError",
    "UnknownDatasetError",
    "fetch",
]
