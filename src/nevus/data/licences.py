"""Licences of images, and whether a model that learnt from them may be used commercially."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNKNOWN = "unknown"
_FREE = frozenset(
    {
        "cc0",
        "cc zero",
        "creative commons zero",
        "cc by",
        "cc by sa",
        "cc attribution",
        "creative commons attribution",
        "creative commons attribution sharealike",
        "creative commons attribution share alike",
        "attribution",
        "attribution sharealike",
        "creativecommons org licenses by",
        "creativecommons org licenses by sa",
        "creativecommons org publicdomain zero",
        "creativecommons org publicdomain mark",
        "public domain",
        "public domain mark",
        "public domain dedication",
        "cc0 public domain dedication",
        "apache",
        "apache software",
        "mit",
        "isc",
        "bsd",
        "bsd clause",
        "pddl",
        "odc by",
        "odbl",
    }
)
"""Those that allow commercial use and changed copies, as a model is one (so without `nd`), as `_plain` spells them."""
_FILLING = frozenset(
    {"http", "https", "www", "the", "in", "license", "licence", "version", "international", "unported", "generic"}
    | {"universal", "deed", "en"}
)


def each_licence(licences: Iterable[str | None]) -> tuple[str, ...]:
    """Each licence once, sorted; `unknown` for images that have none."""
    return tuple(sorted({(text or "").strip() or UNKNOWN for text in licences}))


def allow_commercial_use(licences: Iterable[str | None]) -> bool:
    """Whether every one is known to allow it; what isn't known to, doesn't, and neither does having none at all."""
    stated = each_licence(licences)
    return bool(stated) and all(_plain(text) in _FREE for text in stated)


def _plain(text: str) -> str:
    """In lower case, without versions and words that say nothing: `CC-BY 4.0 International` is `cc by`."""
    words = re.findall(r"[^\W_]+", re.sub(r"\bcc[\s_-]?0\b", "cc0", text.casefold()))
    return " ".join(word for word in words if word not in _FILLING and not re.fullmatch(r"v?\d+", word))
