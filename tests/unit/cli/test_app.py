"""The root: help without imports, one error edge, exit codes that scripts can rely on."""

from __future__ import annotations

import errno
import importlib
import re
import sys
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from nevus import __version__
from nevus.cli import app
from nevus.cli import lazy_group as lazy
from nevus.cli.registry import COMMANDS, CommandEntry
from nevus.errors import InputError, NevusError, StorageFullError


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes `nevus predict` raise what it's given."""

    def install(error: BaseException) -> None:
        def broken() -> None:
            raise error

        module = type(sys)("nevus_broken")
        module.run = broken  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "nevus_broken", module)
        monkeypatch.setitem(COMMANDS, "predict", CommandEntry("nevus_broken:run", "Breaks.", None, "x"))

    return install


def test_the_version_is_printed() -> None:
    assert run("--version") == (0, f"nevus {__version__}\n", "")


def test_help_names_every_command() -> None:
    code, text, _ = run("--help")
    assert code == 0
    assert all(f" {name} " in text for name in COMMANDS)
    assert "not a diagnosis" in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_registry_is_there_with_help_and_an_example(name: str) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    assert hasattr(importlib.import_module(module), attribute)
    code, text, _ = run(name, "--help")
    assert code == 0
    assert "Example" in text


def test_the_list_of_commands_promises_what_they_take() -> None:
    """`data` names its own commands, and what takes a configuration doesn't ask for a manifest."""
    promised = re.findall(r"\w+", COMMANDS["data"].help.lower().replace("draw", "synth"))
    group = importlib.import_module("nevus.cli.data").app
    own = {command.name for command in group.registered_commands}
    assert {"check", "describe", "split", "fetch", "prepare", "synth"} == own & set(promised)
    for name in ("run", "train", "evaluate"):
        assert "CONFIG" in run(name, "--help")[1]
        assert "configuration" in COMMANDS[name].help


def test_a_misspelt_command_is_bad_usage_and_the_right_one_is_suggested() -> None:
    code, _, message = run("predcit")
    assert code == 2
    assert "predict" in message


def test_an_unknown_option_is_bad_usage() -> None:
    assert run("predict", "--no-such-option")[0] == 2


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("row 7 is wrong"), 2, "error: row 7 is wrong"),
        (NevusError("the work failed"), 1, "error: the work failed"),
        (StorageFullError(errno.ENOSPC, "the disk is full at step 3"), 1, "the disk is full at step 3"),
        (OSError(errno.ENOSPC, "No space left on device", "out/model.onnx"), 1, "full while writing out/model.onnx"),
        (OSError(errno.ENOSPC, "No space", "in.onnx", None, "out.onnx"), 1, "full while writing out.onnx"),
        (RuntimeError("parquet: IO error: No space left on device (os error 28)"), 1, "error: the disk is full. Free"),
        (PermissionError(errno.EACCES, "Permission denied", "out/"), 2, "out/ can't be used: Permission denied"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("No module named 'polars'", name="polars"), 2, "pip install 'nevus[data]'"),
        (ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"), 2, "pip install 'nevus[training]'"),
        (typer.Exit(7), 7, ""),
    ],
    ids=[
        "input",
        "failed",
        "full",
        "system says full",
        "copying",
        "a library says full",
        "denied",
        "interrupt",
        "library",
        "part of a library",
        "own exit",
    ],
)
def test_errors_become_a_message_and_a_code(
    command: Callable[[BaseException], None], error: BaseException, code: int, words: str
) -> None:
    command(error)
    got, out, message = run("predict")
    assert got == code
    assert words in message
    assert "Traceback" not in message
    assert out == ""


@pytest.mark.parametrize(
    "error", [ValueError("a defect"), OSError(errno.EACCES, "denied"), OSError(errno.EBADF, "bad", "x"), KeyError("x")]
)
def test_a_defect_keeps_its_traceback(command: Callable[[BaseException], None], error: Exception) -> None:
    command(error)
    with pytest.raises(type(error)):
        run("predict")


def test_a_command_that_needs_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "run", CommandEntry("polars_is_absent:app", "x", "train", "x"))
    code, _, message = run("run", "config.yaml")
    assert code == 2
    assert "polars_is_absent is not installed" in message
    assert "pip install 'nevus[train]'" in message


def test_an_absent_command_is_said_to_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lazy.COMMANDS, "run", CommandEntry("nevus.cli.not_there:app", "x", "train", "x"))
    code, _, message = run("run")
    assert code == 1
    assert "not part of this installation" in message
