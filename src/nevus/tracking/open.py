"""From the settings to a tracker, and to the mirror."""

from __future__ import annotations

from pathlib import Path

from nevus.store import Registry, Store, StoreSettings, resolve_home, store_address
from nevus.tracking.mirror import MirrorReport, mirror_models
from nevus.tracking.settings import TrackingSettings
from nevus.tracking.tracker import NullTracker, Tracker, TrackingError

_MOST_PASSES = 10


def open_tracker(settings: TrackingSettings, *, output: Path, store: StoreSettings | None = None) -> Tracker:
    """The tracker of a run.

    Args:
        settings: whether and where runs are tracked.
        output: the run's output folder; `tracking.json` there ties it to the tracker's run.
        store: nevus' store, for the home folder, and because the tracker must not share its database.

    Raises:
        MissingExtraError: tracking is on, and MLflow isn't installed.
        SharedDatabaseError: MLflow and the store would share a database.
        TrackingError: MLflow can't be reached.
    """
    if not settings.enabled:
        return NullTracker()
    from nevus.tracking.mlflow_client import connect
    from nevus.tracking.mlflow_tracker import MlflowTracker

    home = resolve_home(store.home if store else None)
    client = connect(settings, home, store=store_address(store))
    return MlflowTracker(client, settings, home=home, output=output)


def is_mirrored(settings: TrackingSettings, home: Path) -> bool:
    """Whether MLflow shows the models: it does where an address is set, or a run has made a database in the home."""
    from nevus.tracking.mlflow_client import DATABASE_FILE

    return settings.enabled and (settings.uri is not None or (home / DATABASE_FILE).exists())


def mirror_registry(settings: TrackingSettings, *, store: Store, home: Path) -> MirrorReport:
    """Bring MLflow's registered models up to date with the store's; nothing where tracking is off.

    What changes in the store meanwhile is shown too: of several mirrors at once, the last to end shows the last state.

    Raises:
        MissingExtraError, SharedDatabaseError, TrackingError: as `open_tracker`; the store is right all the same, and
            a later mirror catches up.
    """
    if not settings.enabled:
        return MirrorReport()
    from nevus.tracking.mlflow_client import connect

    client = connect(settings, home, store=store.url)
    report = MirrorReport()
    for _ in range(_MOST_PASSES):
        versions = Registry(store).versions()
        try:
            report += mirror_models(client, versions)
        except Exception as error:  # whatever a remote MLflow fails by
            raise TrackingError(f"MLflow did not take the models' states ({type(error).__name__}: {error})") from error
        if Registry(store).versions() == versions:
            break
    return report
