"""A page that the key's role doesn't open."""

from __future__ import annotations

from nevus.console.frame import heading

heading("Not with this key", "This page needs another role than your key has. Ask an administrator for one.")
