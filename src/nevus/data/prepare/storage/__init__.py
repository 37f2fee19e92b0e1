"""Where prepared images lie: a local folder, or an object store."""

from nevus.data.prepare.storage.local import LocalStorage
from nevus.data.prepare.storage.opening import open_storage
from nevus.data.prepare.storage.port import PreparedStorage, ShardSink
from nevus.data.prepare.storage.remote import RemoteStorage

__all__ = ["LocalStorage", "PreparedStorage", "RemoteStorage", "ShardSink", "open_storage"]
