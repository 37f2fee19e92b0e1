"""The home folder: where everything lies that outlives a run."""

from __future__ import annotations

import os
from pathlib import Path

from nevus.errors import InputError

VARIABLE = "NEVUS_HOME"
DEFAULT = "~/.nevus"


class HomeError(InputError):
    """The home folder can't be made or isn't a folder."""


def resolve_home(setting: Path | str | None = None) -> Path:
    """The absolute path of the home folder: the setting, else NEVUS_HOME, else ~/.nevus. Makes nothing."""
    named = setting or os.environ.get(VARIABLE) or DEFAULT
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise HomeError(f"there is no user's home to put {DEFAULT} into. Set {VARIABLE} to a folder.") from error


def make_home(setting: Path | str | None = None) -> Path:
    """The home folder, made where it is missing and then open to its owner only (0700).

    A folder that exists keeps its permissions: a group may share it on purpose.

    Raises:
        HomeError: it can't be made, or something else has its name.
    """
    home = resolve_home(setting)
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise HomeError(
            f"the home folder {home} can't be made: {error.strerror}. Name another by --home, {VARIABLE} or store.home."
        ) from error
    return home
