"""The address to listen on: who can reach it, and whether it is free."""

from __future__ import annotations

import ipaddress
import socket

from nevus.errors import InputError


class AddressError(InputError):
    """Nothing can be served on the address."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_free(host: str, port: int, option: str = "--port") -> None:
    """Refuse an address that can't be listened on, before anything is loaded.

    Raises:
        AddressError: the port is in use, or the host isn't one of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise AddressError(
            f"{host}, port {port}, can't be listened on ({error.strerror}): it may be in use. Name another by {option}."
        ) from error
