"""Who acts, where no name is given: the automation's name, else the user of the operating system."""

from __future__ import annotations

import getpass
import os

VARIABLE = "NEVUS_ACTOR"


def current_actor() -> str:
    """NEVUS_ACTOR (for automation, such as `nightly-retraining`), else the operating system's user, else its number."""
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container may run under a number that no user has
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
