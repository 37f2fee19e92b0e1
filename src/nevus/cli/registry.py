"""Every command of nevus: where it is, what it's for, and the extra that brings what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CommandEntry:
    """A command that isn't imported yet.

    `target` is `module:attribute`, a `typer.Typer` or a function. `extra` is None where the bare install is enough.
    """

    target: str
    help: str
    extra: str | None
    panel: str


_WORK = "From images to a model"
_MODELS = "Models"
_USE = "Using a model"

COMMANDS: dict[str, CommandEntry] = {
    "run": CommandEntry("nevus.cli.run:app", "Run the whole pipeline of a configuration.", "train", _WORK),
    "step": CommandEntry("nevus.cli.step:app", "Run one step of the pipeline.", "train", _WORK),
    "data": CommandEntry(
        "nevus.cli.data:app", "Check, describe, split, fetch, prepare or draw image data.", "train", _WORK
    ),
    "train": CommandEntry(
        "nevus.cli.train:app", "Run the pipeline of a configuration up to the trained network.", "train", _WORK
    ),
    "tune": CommandEntry("nevus.cli.tune:app", "Search for good settings, on validation only.", "train", _WORK),
    "evaluate": CommandEntry(
        "nevus.cli.evaluate:app", "Judge a bundle on the dataset of a configuration.", "train", _WORK
    ),
    "models": CommandEntry(
        "nevus.cli.models:app", "List, add, compare, approve, promote and roll back models.", "train", _MODELS
    ),
    "audit": CommandEntry("nevus.cli.audit:app", "Verify and show the log of decisions.", "train", _MODELS),
    "up": CommandEntry(
        "nevus.cli.up:up", "Start the service and the web console on this machine.", "serve,console", _USE
    ),
    "console": CommandEntry("nevus.cli.console:console", "Open a service to a browser.", "console", _USE),
    "serve": CommandEntry("nevus.cli.serve:serve", "Answer over HTTP: predict, store, explain, label.", "serve", _USE),
    "predict": CommandEntry("nevus.cli.predict:predict", "Judge images with a bundle.", None, _USE),
    "bundle": CommandEntry("nevus.cli.bundle:app", "Verify, convert and import model bundles.", None, _USE),
    "keys": CommandEntry("nevus.cli.keys:app", "Make, list and revoke the keys of the service.", "serve", _USE),
    "pictures": CommandEntry("nevus.cli.pictures:pictures", "Find stored pictures that no row names.", "serve", _USE),
    "pseudonyms": CommandEntry(
        "nevus.cli.pseudonyms:app", "The secret that patients' keys are hashed with.", "serve", _USE
    ),
    "erase": CommandEntry("nevus.cli.erase:erase", "Erase a patient from every place.", "serve", _USE),
    "backup": CommandEntry("nevus.cli.backup:backup", "Back up database and pictures into one file.", "serve", _USE),
    "restore": CommandEntry("nevus.cli.backup:restore", "Restore a backup into a home folder.", "serve", _USE),
}
