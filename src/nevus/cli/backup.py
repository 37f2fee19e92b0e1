"""`nevus backup` and `nevus restore`: everything that a home folder must not lose, in one file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nevus.cli.service_places import Blobs, SecretFile, service_places
from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context
from nevus.errors import EXIT_FAILED

File = Annotated[Path, typer.Argument(help="The backup.", metavar="FILE")]


def backup(
    file: File,
    *,
    with_secrets: Annotated[
        bool,
        typer.Option("--with-secrets", help="Put in the secret that ties rows to patients' keys; guard the file then."),
    ] = False,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
    blobs: Blobs = None,
    pseudonym_file: SecretFile = None,
) -> None:
    """Back up database and pictures into one file, also while the service runs.

    The file holds images of patients. Bundles and runs aren't in it.

    Example: `nevus backup nevus-monday.tar`
    """
    from nevus.store.backup import back_up
    from nevus.store.blobs import open_blobs

    places = service_places(blobs, pseudonym_file)
    with open_context(home, store) as context:
        done = back_up(
            context.store,
            open_blobs(places.blobs, context.home),
            file,
            home=context.home,
            with_secrets=with_secrets,
            secret=places.pseudonym_file,
        )
    if as_json:
        typer.echo(json.dumps(asdict(done), default=str, indent=1))
        return
    typer.echo(f"{done.file}: {done.bytes / 1e6:,.1f} MB, {done.pictures:,} pictures.")
    if done.elsewhere:
        typer.echo(f"{done.elsewhere:,} pictures stay in the object store; back that up by its own means.")
    if done.missing:
        typer.echo(f"note: {done.missing:,} pictures that rows name were not there.")
    typer.echo(
        "It HOLDS the secret of the pseudonyms: whoever has the file can test guesses of patients' keys."
        if with_secrets
        else "The secret of the pseudonyms is not in it: keep secrets/pseudonyms.key apart, else no patient's rows can "
        "be found again."
    )


def restore(
    file: File,
    *,
    home: Annotated[Path, typer.Option("--home", help="The folder to restore into.", metavar="DIR")],
    store: Annotated[
        str | None, typer.Option("--store", help="An empty database for a Postgres' rows.", metavar="URL")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there. Stop the service first.")] = False,
    as_json: AsJson = False,
    blobs: Blobs = None,
    pseudonym_file: SecretFile = None,
) -> None:
    """Restore a backup. All its sums are verified before anything is touched.

    Example: `nevus restore nevus-monday.tar --home ~/restored`
    """
    from nevus.store.backup import restore as put_back

    places = service_places(blobs, pseudonym_file)
    folder, secret = home.expanduser().absolute(), places.pseudonym_file
    done = put_back(file, home=folder, url=store, blobs=places.blobs, secret=secret, force=force)
    if as_json:
        typer.echo(json.dumps(asdict(done), default=str, indent=1))
    else:
        audit = "intact" if done.audit_intact else "NOT intact"
        into = "" if places.blobs is None else f" in {done.place}"
        typer.echo(f"{done.home}: {done.pictures:,} pictures{into}; the audit has {done.audit_rows:,} rows, {audit}.")
        if not done.secret_there:
            where = secret or "secrets/pseudonyms.key"
            typer.echo(f"Put the secret of the pseudonyms back as {where} before the service starts.")
        if done.elsewhere:
            typer.echo(f"The pictures lie in {done.elsewhere}.")
    if not done.audit_intact:
        raise typer.Exit(EXIT_FAILED)
