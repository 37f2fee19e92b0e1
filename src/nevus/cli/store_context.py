"""What the commands about models share: the store that is meant, and who is told of a change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.errors import NevusError

if TYPE_CHECKING:
    from nevus.notices import Event, NoticeSettings
    from nevus.store import Store, StoreSettings
    from nevus.tracking import MirrorReport, TrackingSettings

Home = Annotated[
    Path | None, typer.Option("--home", help="The home folder [default: $NEVUS_HOME, else ~/.nevus].", metavar="DIR")
]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", help="The store's address [default: $NEVUS_STORE__URL, else in home].", metavar="URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True)
class StoreContext:
    """An open store, with the settings of what else is told."""

    store: Store
    home: Path
    tracking: TrackingSettings
    notices: NoticeSettings

    def tell(self, event: Event, title: str, body: str) -> None:
        """Notify and mirror into MLflow. The change stands already: what fails here is said and breaks nothing."""
        from nevus.notices import open_notices

        try:
            if not open_notices(self.notices).notify(event, title, body):
                typer.echo("note: not every notice was delivered; the log says which.", err=True)
        except NevusError as error:
            typer.echo(f"note: nobody was notified: {error}", err=True)
        self.mirror(only_existing=True)

    def mirror(self, *, only_existing: bool) -> MirrorReport:
        """Bring MLflow up to date; with `only_existing`, not by making a database that nobody has asked for."""
        from rich.console import Console

        from nevus.tracking import MirrorReport, is_mirrored, mirror_registry

        if only_existing and not is_mirrored(self.tracking, self.home):
            return MirrorReport()
        try:
            with Console(stderr=True).status("bringing MLflow up to date"):
                return mirror_registry(self.tracking, store=self.store, home=self.home)
        except NevusError as error:
            if not only_existing:
                raise
            typer.echo(f"note: MLflow does not show this yet: {error}", err=True)
            return MirrorReport()


@contextmanager
def open_context(home: Path | None, url: str | None) -> Iterator[StoreContext]:
    """The store that the options name, else the environment (NEVUS_STORE__URL), else the one in the home folder."""
    from nevus.store import open_store, resolve_home

    found = _environment()
    settings = _chosen(found["store"], home, url)
    with open_store(settings) as store:
        yield StoreContext(store, resolve_home(settings.home), found["tracking"], found["notices"])


def store_settings(home: Path | None, url: str | None) -> StoreSettings:
    """Which store the options name, else the environment, else the one in the home folder."""
    return _chosen(_environment()["store"], home, url)


def outward_settings() -> tuple[TrackingSettings, NoticeSettings]:
    """Who else is told of a change, as the environment says."""
    found = _environment()
    return found["tracking"], found["notices"]


def _chosen(settings: StoreSettings, home: Path | None, url: str | None) -> StoreSettings:
    from pydantic import SecretStr

    named: dict[str, Any] = {}
    if home is not None:  # a home that is named on the command line has its own store
        named = {"home": home, "url": None}
    if url is not None:
        named["url"] = SecretStr(url)
    return settings.model_copy(update=named)


def _environment() -> dict[str, Any]:
    """The sections of the settings that the environment sets, by the names that a run uses too."""
    from pydantic import ValidationError
    from pydantic_settings import BaseSettings, SettingsConfigDict
    from pydantic_settings.exceptions import SettingsError

    from nevus.errors import InputError
    from nevus.notices import NoticeSettings
    from nevus.store import StoreSettings
    from nevus.tracking import TrackingSettings

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="NEVUS_", env_nested_delimiter="__", extra="ignore")

        store: StoreSettings = StoreSettings()
        tracking: TrackingSettings = TrackingSettings()
        notices: NoticeSettings = NoticeSettings()

    try:
        found = Environment()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = "__".join(str(part).upper() for part in first["loc"])
        raise InputError(f"the variable NEVUS_{key}: {first['msg']}.") from None
    except SettingsError as error:
        raise InputError(
            f"a variable NEVUS_… can't be read ({error}); a list is written as JSON, such as "
            """'["json://host/path"]'."""
        ) from None
    return {"store": found.store, "tracking": found.tracking, "notices": found.notices}
