"""The files of TLS, looked at before the service starts."""

from __future__ import annotations

import ssl
from pathlib import Path

from nevus.errors import InputError

_NO_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


def require_pair(certificate: Path | None, key: Path | None) -> None:
    """Refuse files that no connection could be made with; none at all is no TLS.

    Raises:
        InputError: one without the other, a file that can't be read, isn't what it should be, or doesn't fit the other.
    """
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise InputError("TLS needs both serving.tls_certificate and serving.tls_key.")
    for setting, file in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise InputError(f"serving.{setting}: {file} can't be read ({error.strerror}).") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError as error:
        raise InputError(f"serving.tls_certificate: {certificate} holds no certificate as PEM.") from error
    try:
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL would ask at the terminal
    except ssl.SSLError as error:
        if error.reason in _NO_PAIR:
            raise InputError(f"serving.tls_key: {key} is not the key of the certificate in {certificate}.") from error
        if error.reason:
            why = error.reason.lower().replace("_", " ")
            raise InputError(f"serving.tls_certificate: {certificate} can't be used ({why}).") from error
        raise InputError(
            f"serving.tls_key: {key} holds no private key as PEM, or one with a password; take the password off."
        ) from error
