"""MLflow's client, without its telemetry, its chatter and its habit of writing into the working directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nevus.errors import InputError, require
from nevus.tracking.settings import TrackingSettings
from nevus.tracking.tracker import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE_FILE = "mlflow.db"
ARTEFACTS = "mlflow-artefacts"

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # MLflow's own seven keep a run waiting for minutes at a dead server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


class SharedDatabaseError(InputError):
    """MLflow is pointed at the store's own database."""


def tracking_uri(settings: TrackingSettings, home: Path) -> str:
    """The address of the tracking store: the setting's, else a SQLite file in the home folder."""
    if settings.uri is not None:
        return settings.uri.get_secret_value()
    return f"sqlite:///{home.absolute() / DATABASE_FILE}"


def connect(settings: TrackingSettings, home: Path, *, store: sa.URL | None = None) -> MlflowClient:
    """A client. The first use in a process imports MLflow (seconds), and a new database takes seconds more.

    Args:
        settings: which MLflow.
        home: the home folder.
        store: the address of nevus' store, which MLflow must not share.

    Raises:
        MissingExtraError: MLflow isn't installed.
        SharedDatabaseError: MLflow and the store would share a database.
        TrackingError: MLflow can't be reached, or its database not be opened.
    """
    uri = tracking_uri(settings, home)
    if store is not None:
        _refuse_shared(uri, store)
    if settings.uri is None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    mlflow = _import_quietly()
    try:
        client: MlflowClient = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    except Exception as error:  # from SQLAlchemy, requests or MLflow itself, by the kind of address
        raise TrackingError(
            f"MLflow at {hidden(uri)} can't be used ({type(error).__name__}). Check tracking.uri, or track nothing: "
            "tracking.enabled=false."
        ) from error
    return client


def experiment_id(client: MlflowClient, settings: TrackingSettings, home: Path) -> str:
    """The experiment's id; it is made where it is missing, with its artefacts in the home folder.

    A server keeps its artefacts where it wants to; only a database of our own is told where.
    """
    from mlflow.exceptions import MlflowException

    name = settings.experiment
    found = client.get_experiment_by_name(name)
    if found is None:
        own = tracking_uri(settings, home).startswith("sqlite:")
        place = str(home.absolute() / ARTEFACTS) if own else None
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise TrackingError(f"MLflow's experiment {name!r} is deleted. Restore it, or set tracking.experiment.")
    return str(found.experiment_id)


def hidden(uri: str) -> str:
    """The address without its password."""
    try:
        return sa.make_url(uri).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "the given address"


def _import_quietly() -> ModuleType:
    already = "mlflow" in sys.modules
    for name, value in _QUIET.items():  # read on import
        os.environ.setdefault(name, value)
    mlflow = require("mlflow", "tracking")
    if already:  # somebody imported it before it was told to be quiet
        # It looks at the environment again, and lets go of a client that this forbids.
        require("mlflow.telemetry", "tracking").set_telemetry_client()
    return mlflow


def _refuse_shared(uri: str, store: sa.URL) -> None:
    try:
        tracking = sa.make_url(uri)
    except sa.exc.ArgumentError:
        return
    if same_database(tracking, store):
        raise SharedDatabaseError(
            f"tracking.uri and store.url both name {store.render_as_string(hide_password=True)}. Their migrations "
            "collide: give MLflow a database, or a schema, of its own."
        )


def same_database(one: sa.URL, other: sa.URL) -> bool:
    """Whether two addresses lead to the same tables, whatever the driver and the user; schemas of Postgres differ."""
    return _place(one) == _place(other)


def _place(url: sa.URL) -> tuple[object, ...]:
    if url.get_backend_name() == "sqlite":
        return ("sqlite", str(Path(url.database or "").expanduser().resolve()))
    return (url.get_backend_name(), url.host, url.port, url.database, str(url.query.get("options", "")))
