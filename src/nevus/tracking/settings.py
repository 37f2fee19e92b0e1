"""Whether and where runs are tracked."""

from __future__ import annotations

from pydantic import Field, SecretStr

from nevus.settings import Section


class TrackingSettings(Section):
    """MLflow, in a database of its own. Decides nothing that a run computes."""

    enabled: bool = True
    uri: SecretStr | None = None
    """Tracking URI: `sqlite:////folder/mlflow.db`, or the address of an MLflow server. Null: `mlflow.db` in the home
    folder. Secret, because it may carry a password. Never the database of the store: both would own its schema."""
    experiment: str = Field(default="nevus", min_length=1)
