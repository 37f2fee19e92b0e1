"""`nevus keys`: who may ask the service for what."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context
from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.store.keys import ApiKey

app = typer.Typer(
    name="keys",
    help="Make, list and revoke the keys of the service.\n\n"
    "Each role may do what the ones before it may: `reader`, `clinician`, `operator`, `admin`.\n\n"
    'Example: `nevus keys create --role clinician --name "Dr. Rossi" --expires 90d`',
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdw])")


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", help="Its owner; labels name them.", metavar="NAME")],
    role: Annotated[str, typer.Option("--role", help="reader, clinician, operator or admin.", metavar="ROLE")],
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="12h, 90d, 4w or a day, 2027-01-31 [default: never].", metavar="WHEN"),
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Make a key and print it, this once: nevus keeps only what it takes to recognise it.

    Example: `nevus keys create --role clinician --name "Dr. Rossi" --expires 90d`
    """
    from nevus.store.keys import ApiKeys

    expires_at = _moment(expires) if expires is not None else None
    with open_context(home, store) as context:
        text, key = ApiKeys(context.store).create(name, role, expires_at=expires_at)
    typer.echo(json.dumps({"key": text, **_record(key)}, ensure_ascii=False, indent=1) if as_json else text)
    until = f", until {_day(key.expires_at)}" if key.expires_at else ""
    typer.echo(
        f"note: this is {key.name}'s key ({key.role}{until}). Keep it now; it can't be shown again. "
        f"To take it back: nevus keys revoke {key.key_id}",
        err=True,
    )


@app.command("list")
def list_(*, as_json: AsJson = False, home: Home = None, store: StoreUrl = None) -> None:
    """List the keys that were ever made, the newest first; never their secrets.

    Example: `nevus keys list`
    """
    from nevus.store.keys import ApiKeys

    with open_context(home, store) as context:
        keys = ApiKeys(context.store).list()
    if as_json:
        typer.echo(json.dumps([_record(key) for key in keys], ensure_ascii=False, indent=1))
    elif keys:
        _print(keys)
    else:
        typer.echo("no key; `nevus keys create --role admin --name NAME` makes one.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `list` shows it.", metavar="ID")],
    *,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Take a key back for good; the service refuses it from the next seconds on.

    Example: `nevus keys revoke 4f1c9a02b7de`
    """
    from nevus.store.keys import ApiKeys

    with open_context(home, store) as context:
        key = ApiKeys(context.store).revoke(key_id)
    if as_json:
        typer.echo(json.dumps(_record(key), ensure_ascii=False, indent=1))
    else:
        typer.echo(f"{key.name}'s key {key.key_id} is revoked.")


def _moment(text: str) -> datetime:
    """When a key expires that is asked to by `90d` or `2027-01-31` (its midnight, UTC)."""
    span = _SPAN.fullmatch(text)
    if span:
        return datetime.now(UTC) + int(span[1]) * _UNITS[span[2]]
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"--expires {text}: write 12h, 90d, 4w, or a day such as 2027-01-31.") from None


def _record(key: ApiKey) -> dict[str, Any]:
    moments = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at")}
    return {
        "key_id": key.key_id,
        "name": key.name,
        "role": key.role,
        "state": key.state(),
        **{name: at.isoformat() if at else None for name, at in moments.items()},
        "created_by": key.created_by,
    }


def _print(keys: list[ApiKey]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for title in ("id", "role", "state", "made", "expires"):
        table.add_column(title, no_wrap=True)
    table.add_column("name", overflow="fold")
    for key in keys:
        expires = _day(key.expires_at) if key.expires_at else "-"
        table.add_row(key.key_id, key.role, key.state(), _day(key.created_at), expires, escape(key.name))
    Console().print(table)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d}"
