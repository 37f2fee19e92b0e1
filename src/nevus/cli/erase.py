"""`nevus erase`: everything that is kept of a patient goes, and a table says what it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.cli.service_places import Blobs, SecretFile, service_places
from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context

if TYPE_CHECKING:
    from nevus.cli.store_context import StoreContext
    from nevus.store.pseudonym_secrets import KnownSecret


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
    from nevus.store.pseudonym_secrets import known_secrets, pseudonyms_to_erase

    places = service_places(blobs, pseudonym_file)
    with open_context(home, store) as context:
        names = pseudonyms_to_erase(context.store, context.home, places.pseudonym_file)
        others = [known for known in known_secrets(context.store) if known.check_value != names.check_value]
        erased = erase_patient(
            context.store,
            open_blobs(places.blobs, context.home),
            names,
            patient,
            home=context.home,
            dry_run=dry_run,
        )
        notes = [*erased.notes, *map(_told, others), *_tracked_elsewhere(context, erased.tracked)]
    if as_json:
        record = {
            "subject": erased.subject,
            "erased": not dry_run,
            "places": [{"place": line.place, "items": line.items, "detail": line.detail} for line in erased.lines],
            "trained_on": list(erased.trained_on),
            "notes": notes,
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
        return
    for line in erased.lines:
        typer.echo(f"{line.items:>8,}  {line.place}{f' ({line.detail})' if line.detail else ''}")
    for ref in erased.trained_on:
        typer.echo(f"had seen the patient: {ref}; it stays")
    for note in notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{erased.subject}: {erased.items:,} things {'would go' if dry_run else 'erased'}.")


def _told(other: KnownSecret) -> str:
    until = f" to {other.retired_at:%Y-%m-%d}" if other.retired_at else " on"
    return (
        f"rows from {other.noted_at:%Y-%m-%d}{until} are hashed with another secret (secrets/pseudonyms-"
        f"{other.check_value[:12]}.key where nevus put it aside): erase again with --pseudonym-file"
    )


def _tracked_elsewhere(context: StoreContext, run_ids: tuple[str, ...]) -> list[str]:
    """What a tracker keeps beyond the home folder and shows images: nevus can't delete it there."""
    from nevus.errors import NevusError
    from nevus.store import StoreSettings
    from nevus.tracking import is_mirrored, open_tracker

    if not run_ids or not is_mirrored(context.tracking, context.home):
        return []
    try:
        tracker = open_tracker(context.tracking, output=context.home, store=StoreSettings(home=context.home))
        kept = [one for one in tracker.artefacts_with_images() if one.run_id in run_ids]
    except Exception as error:  # whatever a remote MLflow fails by
        why = str(error) if isinstance(error, NevusError) else type(error).__name__
        return [
            f"MLflow can't be asked ({why}): its run {run_id} may keep report.html, which shows images. Delete it there"
            for run_id in run_ids
        ]
    unknown = set(run_ids) - {one.run_id for one in kept}
    return [
        *(
            f"MLflow's run {one.run_id} keeps {one.path}, which shows images, at {one.uri}. Delete it there"
            for one in kept
            if str(context.home) not in one.uri
        ),
        *(
            f"the MLflow that is set (tracking.uri) knows no page of run {run_id}: if another tracked it, look there "
            "for report.html, which shows images"
            for run_id in sorted(unknown)
        ),
    ]
