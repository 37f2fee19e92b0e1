"""Where pictures lie: a folder, or an object store."""

from nevus.store.blobs.folder import FolderBlobs
from nevus.store.blobs.opening import open_blobs
from nevus.store.blobs.port import BlobKeyError, BlobMissingError, BlobsError, BlobStore
from nevus.store.blobs.remote import RemoteBlobs

__all__ = [
    "BlobKeyError",
    "BlobMissingError",
    "BlobStore",
    "BlobsError",
    "FolderBlobs",
    "RemoteBlobs",
    "open_blobs",
]
