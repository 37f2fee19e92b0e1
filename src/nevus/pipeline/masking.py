"""What must not be written down: sections of the settings that hold secrets, and passwords in addresses."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

SECRET: Final = ("store", "tracking", "notices")
"""Sections whose values are told to nobody."""
MASK: Final = "***"
_SECRET_SETTING = re.compile(rf"^((?:--set=)?\s*(?:{'|'.join(SECRET)})(?:\.[^=]*)?=).*", re.DOTALL)
_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/]*@")


def is_secret(key: str) -> bool:
    """Whether a dotted key of the settings, or a section, may hold a secret."""
    return key.strip().partition(".")[0] in SECRET


def masked(value: Any) -> Any:
    """A value as JSON can hold it, the password in every address (`scheme://user:password@host`) replaced."""
    if isinstance(value, str):
        return _PASSWORD.sub(rf"\1:{MASK}@", value)
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list | tuple) else value


def command_line(arguments: Sequence[str] | None = None) -> str:
    """A command as one would type it, by default the one that runs, without what it says in secret."""
    program, *given = sys.argv if arguments is None else arguments
    return shlex.join([Path(program).name, *(masked(_SECRET_SETTING.sub(rf"\1{MASK}", text)) for text in given)])
