from __future__ import annotations

import subprocess
import sys

from nevus.tracking.flatten import LONGEST_NAME, LONGEST_VALUE, flatten


def test_a_tree_becomes_names_with_dots():
    tree = {"a": {"b": 1, "c": {"d": "x", "e": [1, "é"]}}, "f": None, "g": {}, "h": True, "i": 1e-3}
    assert flatten(tree) == {
        "a.b": "1",
        "a.c.d": "x",
        "a.c.e": '[1, "é"]',
        "f": "null",
        "g": "{}",
        "h": "true",
        "i": "0.001",
    }


def test_what_is_too_long_is_cut_and_shows_it():
    flat = flatten({"k" * 300: "v" * 1000})
    ((name, text),) = flat.items()
    assert len(name) == LONGEST_NAME
    assert len(text) == LONGEST_VALUE
    assert text.endswith("v…")


def test_importing_the_room_does_not_import_mlflow():
    code = "import sys, nevus.tracking, nevus.notices; sys.exit(any(m in sys.modules for m in ('mlflow', 'apprise')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
