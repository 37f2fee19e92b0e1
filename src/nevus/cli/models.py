"""`nevus models`: what is registered, and the moves that bring a version to production and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.cli.models_add import add
from nevus.cli.store_context import AsJson, Home, StoreContext, StoreUrl, open_context
from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.notices import Event
    from nevus.store import Change

app = typer.Typer(
    name="models",
    help="List, add, compare, approve, promote and roll back models.\n\n"
    "VERSION is `name/3`, `3` where there is one model only, `champion`, or the beginning of a bundle's digest.\n\n"
    'Example: `nevus models approve 3 --by "Dr. Rossi" --note "report read, limits understood"`',
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
app.command("add")(add)

Version = Annotated[str, typer.Argument(help="name/3, 3, champion, or the beginning of a digest.", metavar="VERSION")]
By = Annotated[str | None, typer.Option("--by", help="Who acts [default: you].", metavar="NAME")]
Note = Annotated[str, typer.Option("--note", help="Why; it stands in the audit.", metavar="TEXT")]


@app.command("list")
def list_(
    *,
    model: Annotated[str | None, typer.Option(help="Only versions of this model.", metavar="NAME")] = None,
    state: Annotated[str | None, typer.Option(help="Only versions in this state.", metavar="STATE")] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """List the registered versions, the newest first.

    Example: `nevus models list --state candidate`
    """
    from nevus.errors import InputError
    from nevus.store import Registry, State

    if state is not None and state not in set(State):
        raise InputError(f"--state {state}: the states are {', '.join(State)}.")
    with open_context(home, store) as context:
        versions = Registry(context.store).versions(model, State(state) if state else None)
    from nevus.cli.model_tables import print_versions, version_record

    if as_json:
        _print_json([version_record(version) for version in versions])
    elif versions:
        print_versions(versions)
    else:
        typer.echo("no such version; a finished `nevus run` registers one.")


@app.command()
def show(version: Version, *, as_json: AsJson = False, home: Home = None, store: StoreUrl = None) -> None:
    """Show a version: its scores, the gate's verdict line by line, and its history.

    Example: `nevus models show champion`
    """
    from nevus.cli.model_tables import entry_record, print_version, version_record
    from nevus.store import Registry, entries

    with open_context(home, store) as context:
        found = Registry(context.store).get(version)
        history = entries(context.store, subject=found.ref)
    if as_json:
        _print_json({**version_record(found), "history": [entry_record(entry) for entry in history]})
    else:
        print_version(found, history)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A version.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Another one.", metavar="B")],
    *,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the bootstrap.")] = 1000,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Compare two versions on the test images that both were measured on, with paired intervals.

    Example: `nevus models compare 4 champion`
    """
    from nevus.cli.model_tables import print_comparison
    from nevus.evaluation import Bootstrap
    from nevus.store import Registry
    from nevus.store.registry.comparison import compare_versions

    with open_context(home, store) as context:
        registry = Registry(context.store)
        versions = registry.get(first), registry.get(second)
    found = compare_versions(*versions, bootstrap=Bootstrap(replicates=resamples))
    if as_json:
        scores = found.scores.model_dump(mode="json")
        first_second = {"first": scores.pop("candidate"), "second": scores.pop("champion")}
        for row in scores["metrics"].values():
            row |= {"first": row.pop("candidate"), "second": row.pop("champion")}
        _print_json({**first_second, **scores, "notes": list(found.notes)})
    else:
        print_comparison(found)


@app.command()
def approve(
    version: Version,
    *,
    by: Annotated[str, typer.Option("--by", help="Who answers for it.", metavar="NAME")],
    note: Annotated[str, typer.Option("--note", help="On what grounds.", metavar="TEXT")],
    override: Annotated[
        str | None, typer.Option(help="Why, although the gate said no; stays on record.", metavar="REASON")
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Approve a candidate: a named person answers for it. A rejected version needs --override.

    Example: `nevus models approve lesions/3 --by "Dr. Rossi" --note "report read, limits understood"`
    """
    from nevus.notices import Event
    from nevus.store import ApprovalError, Registry

    with open_context(home, store) as context:
        try:
            change = Registry(context.store).approve(version, by=by, note=note, override=override)
        except ApprovalError as error:
            raise InputError(f"--{error}") from error
        _report(context, change, Event.APPROVED, as_json, by=by, note=note)


@app.command()
def promote(
    version: Version,
    *,
    by: By = None,
    note: Note = "",
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Put an approved version into production; the champion before it retires, ready for `rollback`.

    Example: `nevus models promote lesions/3`
    """
    from nevus.notices import Event
    from nevus.store import Registry

    with open_context(home, store) as context:
        change = Registry(context.store).promote(version, by=by, note=note)
        _report(context, change, Event.PROMOTED, as_json, by=by, note=note)


@app.command()
def rollback(
    model: Annotated[str | None, typer.Argument(help="The model, where there are several.", metavar="[MODEL]")] = None,
    *,
    by: By = None,
    note: Note = "",
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Bring the former champion back, and retire the present one.

    Example: `nevus models rollback lesions --note "too many referrals since Monday"`
    """
    from nevus.notices import Event
    from nevus.store import Registry

    with open_context(home, store) as context:
        change = Registry(context.store).rollback(model, by=by, note=note)
        _report(context, change, Event.ROLLED_BACK, as_json, by=by, note=note)


@app.command()
def challenger(
    version: Version,
    *,
    by: By = None,
    note: Note = "",
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Let an approved version run beside the champion, to be compared in use.

    Example: `nevus models challenger lesions/4`
    """
    from nevus.notices import Event
    from nevus.store import Registry

    with open_context(home, store) as context:
        change = Registry(context.store).challenge(version, by=by, note=note)
        _report(context, change, Event.CHALLENGER, as_json, by=by, note=note)


@app.command()
def retire(
    version: Version,
    *,
    by: By = None,
    note: Note = "",
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Take a version out of use; `rollback` won't bring it back.

    Example: `nevus models retire lesions/2 --note "learnt on wrong labels"`
    """
    from nevus.notices import Event
    from nevus.store import Registry

    with open_context(home, store) as context:
        change = Registry(context.store).retire(version, by=by, note=note)
        _report(context, change, Event.RETIRED, as_json, by=by, note=note)


@app.command()
def mirror(*, as_json: AsJson = False, home: Home = None, store: StoreUrl = None) -> None:
    """Bring MLflow's registered models up to date with this store; every change does so by itself.

    Example: `nevus models mirror`
    """
    with open_context(home, store) as context:
        if not context.tracking.enabled:
            from nevus.errors import InputError

            raise InputError(
                "tracking is off (NEVUS_TRACKING__ENABLED), so MLflow isn't told of the models; switch it on to mirror."
            )
        report = context.mirror(only_existing=False)
    if as_json:
        _print_json({"created": report.created, "tagged": report.tagged, "aliased": report.aliased})
        return
    typer.echo("MLflow shows the models as they are in the store.")


def _report(context: StoreContext, change: Change, event: Event, as_json: bool, *, by: str | None, note: str) -> None:
    from nevus.notices import change_body, change_title
    from nevus.store import current_actor

    actor = by or current_actor()
    said = change_title(event, change, actor)
    if as_json:
        from nevus.cli.model_tables import change_record

        _print_json(change_record(change))
    else:
        typer.echo(said)
    for warning in change.warnings:
        typer.echo(f"warning: {change.version.ref}: {warning}", err=True)
    context.tell(event, said, change_body(change, actor, note))


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))
