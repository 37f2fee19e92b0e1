"""Bringing a dataset: probe, download by its own client, verify; the same command again continues."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from nevus.data.fetch.client import STALLED_SECONDS, Watch, run_client
from nevus.data.fetch.errors import FetchError, OfflineError
from nevus.data.fetch.isic import IsicClient
from nevus.data.fetch.kaggle import KaggleClient
from nevus.data.fetch.plans import FetchPlan, find_plan
from nevus.data.fetch.probe import unreachable
from nevus.data.fetch.verification import check_files, read_sums, write_sums
from nevus.errors import InputError, StorageFullError

STATE = "fetched.json"

Progress = Callable[[int, int, str], None]
"""Told how many are done, of how many, and what is done."""


class Client(Protocol):
    """Whoever brings a dataset."""

    @property
    def address(self) -> str:
        """The host that is probed."""

    def prepare(self) -> None:
        """Raise where the client isn't installed or has no credentials."""

    def commands(self, folder: Path) -> list[list[str]]:
        """The programs to run, one after the other."""

    def watch(self, folder: Path) -> Watch:
        """What has come so far."""

    def finish(self, folder: Path) -> None:
        """Unpack."""

    def listed(self, folder: Path) -> list[str]:
        """The files that must be there."""

    def count(self, folder: Path) -> int:
        """Images that the dataset holds."""


@dataclass(frozen=True)
class Fetched:
    """A dataset that is there, whole.

    Attributes:
        name: of the dataset.
        folder: where it is: `data.root`.
        source: its layout: `data.source`.
        images: how many.
        already: it was there before.
        note: what deserves a word, or None.
    """

    name: str
    folder: str
    source: str
    images: int
    already: bool
    note: str | None = None


def fetch(
    name: str, folder: Path, progress: Progress | None = None, *, stalled_seconds: float = STALLED_SECONDS
) -> Fetched:
    """Bring a dataset into a folder.

    Files are verified: each must be whole, and equal to what it was when it came (`SHA256SUMS`). Those that aren't are
    deleted and brought again. The folder counts as whole once `fetched.json` says so.

    Raises:
        UnknownDatasetError: there is no such dataset.
        OfflineError: the host doesn't answer; says within seconds what to get by hand and where to put it.
        CredentialsError: the host wants a token.
        FetchError: the download didn't end whole; repeating continues.
        StorageFullError: there isn't enough room.
    """
    plan = find_plan(name)
    client: Client = IsicClient(plan) if plan.client == "isic" else KaggleClient(plan)
    folder = folder.expanduser().absolute()
    _claim(plan, folder)
    done = _fetched_before(plan, client, folder, progress)
    if done is not None:
        return done
    why = unreachable(client.address)
    if why is not None:
        raise OfflineError(_by_hand(plan, folder, f"{client.address} can't be reached ({why})."))
    client.prepare()
    _check_room(plan, folder)
    folder.mkdir(parents=True, exist_ok=True)
    for command in client.commands(folder):
        run_client(
            command,
            client.watch(folder),
            progress=(lambda n: progress(n, plan.images, "images")) if progress else None,
            stalled_seconds=stalled_seconds,
        )
    client.finish(folder)
    return _verified(plan, client, folder, progress)


def _claim(plan: FetchPlan, folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder for the dataset with --out.")
    state = _state(folder)
    if state is not None and state["name"] != plan.name:
        raise InputError(f"{folder} holds the dataset {state['name']}; choose another folder for {plan.name}.")


def _state(folder: Path) -> dict[str, object] | None:
    try:
        return dict(json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None


def _fetched_before(plan: FetchPlan, client: Client, folder: Path, progress: Progress | None) -> Fetched | None:
    """Verify what came before; whatever is broken is deleted, so that the client brings it again."""
    sums = read_sums(folder)
    if not sums:
        return None
    whole, broken = check_files(folder, sums, sums, _verifying(progress, len(sums)))
    for name in broken:
        (folder / name).unlink(missing_ok=True)
    if broken or _state(folder) is None:
        (folder / STATE).unlink(missing_ok=True)
        write_sums(folder, whole)
        return None
    return Fetched(plan.name, str(folder), plan.source, client.count(folder), already=True)


def _verified(plan: FetchPlan, client: Client, folder: Path, progress: Progress | None) -> Fetched:
    names = client.listed(folder)
    whole, broken = check_files(folder, names, read_sums(folder), _verifying(progress, len(names)))
    for name in broken:
        (folder / name).unlink(missing_ok=True)
    write_sums(folder, whole)
    if broken:
        raise FetchError(
            f"{len(broken)} of {len(names)} files of {plan.name} have not come whole, such as {broken[0]}. Repeat the "
            "command: it brings these and keeps the others."
        )
    images = client.count(folder)
    if images < plan.images:
        raise FetchError(
            f"{plan.name} has {plan.images} images, but only {images} have come into {folder}. Repeat the command; if "
            f"it stays so, the dataset has changed: see {plan.by_hand}."
        )
    note = f"{images - plan.images} images more than were known" if images > plan.images else None
    fetched = Fetched(plan.name, str(folder), plan.source, images, already=False, note=note)
    partial = folder / (STATE + ".partial")
    partial.write_text(json.dumps(asdict(fetched), indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / STATE)
    return fetched


def _verifying(progress: Progress | None, total: int) -> Callable[[int], None] | None:
    return (lambda done: progress(done, total, "files verified")) if progress else None


def _check_room(plan: FetchPlan, folder: Path) -> None:
    """Room for what is still to come; a client would ask, and nobody would answer."""
    above = next(parent for parent in (folder, *folder.parents) if parent.exists())
    there = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
    free, needed = shutil.disk_usage(above).free, plan.gigabytes * 1e9 - there
    if free < needed:
        raise StorageFullError(
            f"{plan.name} needs about {needed / 1e9:.1f} GB more, and {above} has {free / 1e9:.1f} GB left. Choose "
            "another disk with --out, or make room."
        )


def _by_hand(plan: FetchPlan, folder: Path, why: str) -> str:
    return (
        f"{why} Without network, get {plan.name} ({plan.images:,} images, about {plan.gigabytes:g} GB) elsewhere: "
        f"download {plan.by_hand_files} from {plan.by_hand} and put it into {folder}. Then use it with data.source="
        f"{plan.by_hand_source} and data.root={folder}."
    )
