"""The group of all commands: shows their help without importing them, and imports the one that is called."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from nevus.cli.error_edge import error_edge, missing_library
from nevus.cli.registry import COMMANDS, CommandEntry
from nevus.errors import MissingExtraError, NevusError


class LazyGroup(TyperGroup):
    """A group whose commands are those of the registry."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: _stand_in(name, entry) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called, imported now."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is None or name is None or ctx.resilient_parsing:
            return name, command, rest
        return name, load_command(name), rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command within the error edge."""
        with error_edge():
            return super().invoke(ctx)


def load_command(name: str) -> Any:
    """Import a command of the registry.

    Raises:
        MissingExtraError: it needs a library that isn't installed.
        NevusError: the command itself is absent.
    """
    entry = COMMANDS[name]
    module, _, attribute = entry.target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith("nevus"):
            raise MissingExtraError(missing_library(error.name, entry.extra)) from error
        raise NevusError(f"`nevus {name}` is not part of this installation: there is no {error.name}.") from error
    app = found
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        app.command(name)(found)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _stand_in(name: str, entry: CommandEntry) -> Any:
    """A command with the name and the help of another, enough for the list of commands and for suggestions."""
    app = typer.Typer(add_completion=False)

    @app.command(name, help=entry.help, rich_help_panel=entry.panel)
    def _nothing() -> None:
        """Stand in."""

    return typer.main.get_command(app)
