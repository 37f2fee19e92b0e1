"""Kaggle's competition files, through Kaggle's own client; needs an account that has accepted the rules."""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from pathlib import Path

from nevus.data.fetch.client import Watch, folder_watch
from nevus.data.fetch.errors import CredentialsError, FetchError
from nevus.data.fetch.plans import FetchPlan
from nevus.errors import MissingExtraError, require

FILES = ("train-metadata.csv", "train-image.hdf5")


class KaggleClient:
    """One command a file, so that a file that is there isn't loaded again."""

    def __init__(self, plan: FetchPlan) -> None:
        self._plan = plan
        self.address = "https://www.kaggle.com/"

    def prepare(self) -> None:
        """See that the client is installed and has a token. It isn't imported: its import alone wants the token."""
        if importlib.util.find_spec("kaggle") is None:
            raise MissingExtraError(
                "kaggle is not installed, and this needs it. Install it with: pip install 'nevus[fetch]'"
            )
        home = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
        named = os.environ.get("KAGGLE_API_TOKEN") or os.environ.get("KAGGLE_KEY")
        if not named and not any((home / name).is_file() for name in ("access_token", "kaggle.json")):
            raise CredentialsError(
                "Kaggle wants an account's token, and there is none. Make one in your account's settings at "
                "https://www.kaggle.com/settings, put it into KAGGLE_API_TOKEN or ~/.kaggle/access_token, accept the "
                f"competition's rules at {self._plan.by_hand}, and repeat the command."
            )

    def commands(self, folder: Path) -> list[list[str]]:
        """One a file that isn't there yet."""
        kaggle = [sys.executable, "-m", "kaggle", "competitions", "download", "-c", self._plan.key, "-p", str(folder)]
        return [[*kaggle, "-f", name] for name in FILES if not (folder / name).is_file()]

    def watch(self, folder: Path) -> Watch:
        """What has come so far."""
        return folder_watch(folder, ending=".hdf5")

    def finish(self, folder: Path) -> None:
        """Unpack what came packed.

        Raises:
            FetchError: a packed file is damaged.
        """
        for packed in folder.glob("*.zip"):
            try:
                with zipfile.ZipFile(packed) as archive:
                    for name in set(archive.namelist()) & set(FILES):
                        archive.extract(name, folder)
            except zipfile.BadZipFile as error:
                packed.unlink()
                raise FetchError(f"{packed} came damaged and was deleted; repeat the command.") from error
            packed.unlink()

    def listed(self, folder: Path) -> list[str]:  # noqa: ARG002 - the port's signature
        """The files that make the dataset."""
        return list(FILES)

    def count(self, folder: Path) -> int:
        """Images in the archive; each must have its row in the table.

        Raises:
            FetchError: they don't fit each other.
        """
        h5py = require("h5py", "data")
        try:
            with h5py.File(folder / FILES[1], "r") as archive:
                images = len(archive)
        except OSError as error:
            raise FetchError(f"{folder / FILES[1]} is damaged ({error}); delete it and repeat the command.") from error
        with (folder / FILES[0]).open("rb") as table:
            rows = sum(1 for _ in table) - 1
        if rows != images:
            raise FetchError(f"{FILES[0]} has {rows} rows and {FILES[1]} {images} images; delete both and repeat.")
        return images
