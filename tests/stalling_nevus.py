"""`nevus`, but it stops for ever just before a file gets its name: `stalling_nevus.py NAME TIMES TRACE -- run ...`.

The TIMES-th time that anything is renamed to NAME (a file's or folder's last part), the program writes NAME into the
file TRACE and waits to be killed. What it was about to finish is then half done in the way that a kill leaves it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_guard = threading.Lock()


def stalling(rename: Callable[..., None], name: str, times: int, trace: Path) -> Callable[..., None]:
    """`rename`, which never returns from the `times`-th call that leads to `name`."""
    left = times

    def renamed(source: Any, target: Any, **options: Any) -> None:
        nonlocal left
        if Path(os.fsdecode(target)).name == name:
            with _guard:
                left -= 1
                now = left == 0
            if now:
                trace.write_text(name)
                time.sleep(600)
        rename(source, target, **options)

    return renamed


def main() -> None:
    name, times, trace, _, *arguments = sys.argv[1:]
    os.replace = stalling(os.replace, name, int(times), Path(trace))
    os.rename = stalling(os.rename, name, int(times), Path(trace))
    from nevus.cli import app

    app(arguments)


if __name__ == "__main__":
    main()
