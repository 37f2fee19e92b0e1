"""API keys: who may ask the service for what."""

from nevus.store.keys.api_key import ApiKey
from nevus.store.keys.errors import ExpiredKeyError, KeyRefusedError, NewKeyError, RevokedKeyError, UnknownKeyError
from nevus.store.keys.keys import ApiKeys
from nevus.store.keys.roles import ROLES, allows
from nevus.store.keys.secret_file import KeyFileError, register_key_file

__all__ = [
    "ROLES",
    "ApiKey",
    "ApiKeys",
    "ExpiredKeyError",
    "KeyFileError",
    "KeyRefusedError",
    "NewKeyError",
    "RevokedKeyError",
    "UnknownKeyError",
    "allows",
    "register_key_file",
]
