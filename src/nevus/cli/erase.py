"""`nevus erase`: everything that is kept of a patient goes, and a table says what it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context

Blobs = Annotated[
    str | None,
    typer.Option("--blobs", help="Where the pictures lie [default: blobs in home].", metavar="DIR|URL"),
]
SecretFile = Annotated[
    Path | None,
    typer.Option("--pseudonym-file", help="The secret of the pseudonyms [default: secrets/ in home].", metavar="FILE"),
]


def erase(
    *,
    patient: Annotated[str, typer.Option(help="The patient's key, as it was sent or stands in a table.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
    blobs: Blobs = None,
    pseudonym_file: SecretFile = None,
) -> None:
    """Erase a patient: answers, pictures, labels, samples, rows of runs, and the pages that show images.

    Bundles that were trained with the patient's images stay; they are named. May be repeated, also after a kill.

    Example: `nevus erase --patient P-0017 --dry-run`
    """
    from nevus.store.blobs import open_blobs
    from nevus.store.erasure import erase_patient
    from nevus.store.pseudonyms import Pseudonyms

    with open_context(home, store) as context:
        erased = erase_patient(
            context.store,
            open_blobs(blobs, context.home),
            Pseudonyms.open(context.home, pseudonym_file),
            patient,
            home=context.home,
            dry_run=dry_run,
        )
    if as_json:
        record = {
            "subject": erased.subject,
            "erased": not dry_run,
            "places": [{"place": line.place, "items": line.items, "detail": line.detail} for line in erased.lines],
            "trained_on": list(erased.trained_on),
            "notes": list(erased.notes),
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    for line in erased.lines:
        typer.echo(f"{line.items:>8,}  {line.place}{f' ({line.detail})' if line.detail else ''}")
    for ref in erased.trained_on:
        typer.echo(f"had seen the patient: {ref}; it stays")
    for note in erased.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{erased.subject}: {erased.items:,} things {'would go' if dry_run else 'erased'}.")
