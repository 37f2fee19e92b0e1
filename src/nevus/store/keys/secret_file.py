"""The first key of a container: its text comes from a file that the platform mounts."""

from __future__ import annotations

from pathlib import Path

from nevus.errors import InputError
from nevus.store.database import Store
from nevus.store.keys.api_key import LONGEST_TEXT, ApiKey
from nevus.store.keys.keys import ApiKeys

SHORTEST_SECRET = 32
FIRST_KEY = "first key"


class KeyFileError(InputError):
    """The file holds no text that could be a key."""


def register_key_file(store: Store, file: Path, *, name: str = FIRST_KEY) -> ApiKey:
    """Make the text in `file` an admin's key, once: the same text again changes nothing and revives no revoked key.

    Args:
        store: where the keys are.
        file: holds the text and nothing else: 32 to 512 visible ASCII characters without a space.
        name: the owner's name.

    Raises:
        KeyFileError: it can't be read or holds something else. The message never repeats it.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(2 * LONGEST_TEXT)
    except OSError as error:
        raise KeyFileError(f"the key file {file} can't be read: {error.strerror}.") from error
    text = content.strip().decode("ascii", "replace")
    if not SHORTEST_SECRET <= len(text) <= LONGEST_TEXT or not all("!" <= character <= "~" for character in text):
        raise KeyFileError(
            f"the key file {file} must hold one line of {SHORTEST_SECRET} to {LONGEST_TEXT} visible ASCII characters "
            "without a space. Make one with: openssl rand -hex 32"
        )
    return ApiKeys(store).register(text, name, "admin", by=FIRST_KEY)
