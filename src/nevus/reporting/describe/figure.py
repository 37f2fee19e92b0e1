"""A chart with its title and its one line of reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """What the template's macro `chart` shows."""

    title: str
    reading: str
    svg: Markup
    size: Literal["", "wide", "full"] = ""
