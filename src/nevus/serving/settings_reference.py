"""The settings of the service in `docs/service-settings.md`, written from the code.

`python -m nevus.serving.settings_reference FILE` writes it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nevus.pipeline.settings_reference import section
from nevus.serving.settings import ServingSettings

HEAD = """# Settings of the service

Written from the code by `make docs`; a test holds it against the code. Every key can stand in an environment variable
(`serving.queue` is `NEVUS_SERVING__QUEUE`) or behind `--set` of `nevus serve` (`--set queue=64`), which overrides it. A
key that isn't here is refused, with the nearest one named. What the service does with them: [service.md](service.md).
"""


def render() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join(section(ServingSettings, "serving."))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
