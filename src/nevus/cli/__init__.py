"""The command line: thin commands that parse, call and print. Each is imported only when it's used."""

from nevus.cli.app import app, main

__all__ = ["app", "main"]
