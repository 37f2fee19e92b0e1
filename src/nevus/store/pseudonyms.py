"""Patients and lesions by keyed hashes: the same key always gives the same one, and nobody without the secret can tell.

The secret lies outside the database. Who loses it can't find a patient's rows again, and the sharing between champion
and challenger starts anew; who learns it can test guesses of keys against the database. Rows can't be hashed anew,
because nobody stores the plain keys; which secret a store's rows have is known by `pseudonym_secrets`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from contextlib import suppress
from pathlib import Path

from nevus.errors import InputError
from nevus.store.home import make_home

FOLDER, FILE = "secrets", "pseudonyms.key"
_BYTES = 32
_SHARE_BITS = 53
"""As many as a float in [0, 1) holds exactly."""


class PseudonymSecretError(InputError):
    """The secret can't be read or made, or isn't one."""


class PatientKeyError(InputError):
    """A patient's or lesion's key is empty."""


class Pseudonyms:
    """Keyed hashes under one secret. `Pseudonyms.open` is the usual way in."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _BYTES:
            raise PseudonymSecretError(f"the secret of the pseudonyms must have {_BYTES} bytes, not {len(secret)}.")
        self._secret = secret

    @classmethod
    def open(cls, home: Path, file: Path | None = None) -> Pseudonyms:
        """With the secret of the home folder, made at the first time, or of a file that must be there.

        Raises:
            PseudonymSecretError: it can't be read or made, or doesn't hold 64 hexadecimal digits.
        """
        if file is not None:
            return cls(_read(file))
        own = secret_file(home)
        if not own.exists():
            make_secret(home, own)
        return cls(_read(own))

    @property
    def check_value(self) -> str:
        """Tells this secret from others, and nothing about it: 64 hexadecimal digits."""
        return self._hash("check", "nevus").hex()

    def patient(self, key: str) -> str:
        """A patient's keyed hash: HMAC-SHA256, 64 hexadecimal digits."""
        return self._hash("patient", key).hex()

    def lesion(self, patient: str | None, key: str) -> str:
        """A lesion's keyed hash; lesions are numbered within a patient, so the patient's plain key counts too."""
        return self._hash("lesion", *([patient] if patient is not None else []), key).hex()

    def share(self, unit: str) -> float:
        """Where a unit (a patient's, lesion's or request's id) lies in [0, 1): uniform, and always the same."""
        drawn = int.from_bytes(self._hash("arm", unit)[:8], "big")
        return float((drawn >> (64 - _SHARE_BITS)) / (1 << _SHARE_BITS))

    def _hash(self, purpose: str, *keys: str) -> bytes:
        parts = [plain_key(key).encode() for key in keys]
        said = b"".join(b"%d:%b" % (len(part), part) for part in parts)  # no two lists of keys give the same bytes
        return hmac.digest(self._secret, f"{purpose}:".encode() + said, hashlib.sha256)


def check_value_in(file: Path) -> str:
    """The check value of the secret in a file.

    Raises:
        PseudonymSecretError: it can't be read or holds none.
    """
    return Pseudonyms(_read(file)).check_value


def plain_key(key: str) -> str:
    """The key without what can't be seen: spaces round it, and another spelling of the same letters (Unicode NFC).

    Raises:
        PatientKeyError: nothing is left.
    """
    seen = unicodedata.normalize("NFC", key).strip()
    if not seen:
        raise PatientKeyError("a patient's or lesion's key is empty.")
    return seen


def secret_file(home: Path) -> Path:
    """Where a home folder keeps its secret."""
    return home / FOLDER / FILE


def make_secret(home: Path, file: Path) -> None:
    """Make a secret once: of several processes that try, one gives it its name and the others take that one.

    Raises:
        PseudonymSecretError: it can't be made there.
    """
    draft = file.with_name(f"{file.name}.{secrets.token_hex(6)}")
    try:
        make_home(home)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            with suppress(FileExistsError):
                os.link(draft, file)
        finally:
            draft.unlink()
    except OSError as error:
        raise PseudonymSecretError(
            f"the secret of the pseudonyms can't be made at {file} ({error.strerror or error})."
        ) from error


def _read(file: Path) -> bytes:
    try:
        secret = bytes.fromhex(file.read_text("ascii").strip())
    except OSError as error:
        raise PseudonymSecretError(
            f"the secret of the pseudonyms {file} can't be read ({error.strerror or error})."
        ) from error
    except ValueError:  # its message would show a part of what is there
        secret = b""
    if len(secret) != _BYTES:
        raise PseudonymSecretError(
            f"{file} doesn't hold a secret of {2 * _BYTES} hexadecimal digits; `openssl rand -hex {_BYTES}` makes one."
        )
    return secret
