"""A settings tree as flat names and texts, the way trackers want parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LONGEST_NAME = 250
LONGEST_VALUE = 500
"""MLflow takes more, but nobody reads it; the whole tree is an artefact."""


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"a": {"b": 1}}` becomes `{"a.b": "1"}`; lists are written as JSON, and what is too long is cut with an `…`."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
            continue
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        flat[name[:LONGEST_NAME]] = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
    return flat
