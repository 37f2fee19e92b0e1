"""`nevus serve`: the HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.cli.store_context import Home, StoreUrl, outward_settings, store_settings

if TYPE_CHECKING:
    from nevus.serving import ServingSettings


def serve(
    *,
    home: Home = None,
    store: StoreUrl = None,
    bundle: Annotated[
        str | None, typer.Option(help="The bundle's directory [default: the store's champion].", metavar="DIR")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port [default: 8000].", min=0, max=65535)] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting: `--set queue=64`.", metavar="KEY=VALUE")
    ] = None,
) -> None:
    """Answer over HTTP: predictions that are stored, explained and labelled; documentation at /docs.

    Without API keys it listens on this machine only; `nevus keys create` makes one.

    Example: `nevus serve --bundle runs/demo/bundle --port 8000`
    """
    from nevus.serving.run import serve as run
    from nevus.store import make_home, open_store

    settings = serving_settings(set_ or [], {"bundle": bundle, "host": host, "port": port})
    stores = store_settings(home, store)
    tracking, notices = outward_settings()
    with open_store(stores) as opened:
        run(opened, make_home(stores.home), settings, tracking=tracking, notices=notices)


def serving_settings(assignments: list[str], named: dict[str, Any]) -> ServingSettings:
    """The environment's settings (NEVUS_SERVING__…), overridden by `--set` and by the named options.

    Raises:
        InputError: an unknown setting or a wrong value.
    """
    import yaml
    from pydantic import ValidationError
    from pydantic_settings import BaseSettings, SettingsConfigDict

    from nevus.errors import InputError
    from nevus.serving import ServingSettings

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="NEVUS_", env_nested_delimiter="__", extra="ignore")

        serving: dict[str, Any] = {}

    values = dict(Environment().serving)
    for text in assignments:
        key, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"--set {text}: write KEY=VALUE, such as queue=64.")
        values[key.removeprefix("serving.")] = yaml.safe_load(value)
    values |= {key: value for key, value in named.items() if value is not None}
    try:
        return ServingSettings.model_validate(values)
    except ValidationError as error:
        raise InputError(_explained(error, list(ServingSettings.model_fields))) from None


def _explained(error: Any, known: list[str]) -> str:
    import difflib

    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known, 1)
        hint = f" Did you mean {near[0]}?" if near else f" There is: {', '.join(known)}."
        return f"there is no setting serving.{key}.{hint}"
    return f"serving.{key}: {first['msg']}."
