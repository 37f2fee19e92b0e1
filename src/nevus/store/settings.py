"""Where nevus keeps what it must remember."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from nevus.settings import Section


class StoreSettings(Section):
    """The home folder and the database.

    Neither decides what a run computes; leave the section out of a run's settings fingerprint.
    """

    home: Path | None = None
    """Folder of the store, of MLflow's database and its artefacts. Null: the variable NEVUS_HOME, else ~/.nevus."""
    url: SecretStr | None = None
    """SQLAlchemy address of the database, `sqlite:////folder/nevus.db` or `postgresql://user:password@host/name`.
    Null: `nevus.db` in the home folder. Secret, because it may carry a password."""
