"""Backup while the service runs, and restore."""

from nevus.store.backup.archive import BackupError
from nevus.store.backup.backup import BackedUp, back_up
from nevus.store.backup.restore import Restored, restore

__all__ = ["BackedUp", "BackupError", "Restored", "back_up", "restore"]
