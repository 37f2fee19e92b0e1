"""`nevus pictures`: those that no row names any more."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nevus.cli.service_places import Blobs, service_places
from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context

_SHOWN = 20


def pictures(
    *,
    delete_loose: Annotated[bool, typer.Option("--delete-loose", help="Delete those that no row names.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
    blobs: Blobs = None,
) -> None:
    """Count the stored pictures, and those among them that no row names: nobody finds them by their patient.

    The service deletes the few that a kill leaves behind by itself, a day later. More of them mean that the place
    belongs to another store, or that an older database was restored; look before deleting. Younger ones aren't counted.

    Example: `nevus pictures`
    """
    from rich.console import Console

    from nevus.store.blobs import open_blobs
    from nevus.store.loose_pictures import PREFIXES, delete, look
    from nevus.store.picture_place import require_place

    places = service_places(blobs)
    with open_context(home, store) as context, Console(stderr=True).status("looking at the pictures"):
        place = open_blobs(places.blobs, context.home)
        require_place(context.store, place)
        found = look(context.store, place, PREFIXES)
        deleted = delete(place, found.loose) if delete_loose else 0
    if as_json:
        record = {"place": place.uri, "pictures": found.pictures, "loose": list(found.loose), "deleted": deleted}
        typer.echo(json.dumps(record, indent=1))
        return
    for key in found.loose[:_SHOWN]:
        typer.echo(key)
    if len(found.loose) > _SHOWN:
        typer.echo(f"… and {len(found.loose) - _SHOWN:,} more (--json lists all)")
    went = f", {deleted:,} deleted" if delete_loose else ""
    typer.echo(
        f"{place.uri}: {found.pictures:,} pictures older than a day, {len(found.loose):,} named by no row{went}."
    )
