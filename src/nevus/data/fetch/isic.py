"""The ISIC archive's collections, through isic-cli."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

from nevus.data.fetch.client import Watch, folder_watch
from nevus.data.fetch.errors import FetchError
from nevus.data.fetch.plans import FetchPlan
from nevus.errors import require

_PUBLIC, _LOCAL = "https://api.isic-archive.com", "http://127.0.0.1:8000"
METADATA = "metadata.csv"


class IsicClient:
    """isic-cli leaves `ISIC_*.jpg` and, last, `metadata.csv`; it doesn't load again what has its full size."""

    def __init__(self, plan: FetchPlan) -> None:
        self._plan = plan

    @property
    def address(self) -> str:
        """Where isic-cli will ask; it goes to a server on this machine where ISIC_DEV is set."""
        return f"{_LOCAL if os.environ.get('ISIC_DEV') else _PUBLIC}/api/v2/"

    def prepare(self) -> None:
        """See that the client is installed."""
        require("isic_cli", "fetch")

    def commands(self, folder: Path) -> list[list[str]]:
        """What to run. No search for newer versions: that would ask yet another host."""
        (folder / METADATA).unlink(missing_ok=True)
        isic = [sys.executable, "-m", "isic_cli.cli", "--no-version-check"]
        return [[*isic, "image", "download", "--collections", self._plan.key, str(folder)]]

    def watch(self, folder: Path) -> Watch:
        """What has come so far."""
        return folder_watch(folder)

    def finish(self, folder: Path) -> None:
        """Nothing is packed."""

    def listed(self, folder: Path) -> list[str]:
        """The files that the metadata name.

        Raises:
            FetchError: there are no metadata.
        """
        path = folder / METADATA
        if not path.is_file():
            raise FetchError(f"{path} has not come; repeat the command to continue.")
        with path.open(encoding="utf-8", newline="") as file:
            ids = [row["isic_id"] for row in csv.DictReader(file)]
        present = {entry.name.rpartition(".")[0]: entry.name for entry in os.scandir(folder)}
        return [present.get(isic_id, f"{isic_id}.jpg") for isic_id in ids]

    def count(self, folder: Path) -> int:
        """Images that the dataset holds."""
        return len(self.listed(folder))
