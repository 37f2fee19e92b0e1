"""The settings of the HTTP service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork

from nevus.settings import Section


class ServingSettings(Section):
    """How `nevus serve` answers, and what it refuses."""

    host: str = "127.0.0.1"
    """Address to listen on. Beyond this machine only with API keys (`nevus keys create`)."""
    port: int = Field(default=8000, ge=0, le=65535)
    bundle: str | None = None
    """Folder or address (`s3://bucket/prefix`) of the bundle to serve; null: the champion of the store. A later
    promotion or rollback wins over it."""
    model: str | None = None
    """Model whose champion is served; null: the store's only one."""
    threads: int | None = Field(default=None, ge=1)
    """Images computed at once; null: the processors that the process may use."""
    queue: int = Field(default=32, ge=1)
    """Requests that may wait for a thread; one more is answered 429."""
    max_body_mb: float = Field(default=20.0, gt=0)
    """Largest body of a request on one image, in megabytes (10^6 bytes)."""
    max_upload_mb: float = Field(default=500.0, gt=0)
    """Largest body of a batch and of samples. As JSON a batch may be five times `max_body_mb`."""
    max_bodies_mb: float = Field(default=500.0, gt=0)
    """Most megabytes of requests' bodies in memory at once; more is answered 429. Files of batches and samples don't
    count: they lie on the disk."""
    max_items: int = Field(default=100, ge=1)
    """Most images of one batch, and of one lesion."""
    max_pixels: int = Field(default=64_000_000, ge=1)
    """Most pixels of one image, before it is decoded."""
    rate_per_minute: int = Field(default=30_000, ge=1)
    """Most requests of one key (or of one address, without keys) in a minute; more are answered 429."""
    refused_keys_per_minute: int = Field(default=30, ge=1)
    """Most requests of one address in a minute whose key opens nothing; more are answered 429 before the key is
    looked up. Keys that opened something within the last hour aren't held up."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """A request that takes longer is answered 503, and a client that sends its body more slowly 408."""
    follow_seconds: float = Field(default=2.0, gt=0)
    """How often the store is asked for another champion, challenger or share."""
    max_loaded: int = Field(default=4, ge=1)
    """Most versions in memory at once, before a further one is loaded for requests that name it."""
    shadow_backlog: int = Field(default=200, ge=1)
    """Images that may wait for a shadow; what comes beyond is answered as ever, and not judged by the challenger."""
    survive_power_loss: bool = False
    """Wait for the disk before every answer. Without it, an answer survives the death of the service, but the last
    ones before a power cut may be lost."""
    store_images: bool = True
    """Keep the pictures of predictions. Without, there is nothing to explain, label or train on later."""
    blobs: str | None = None
    """Where pictures go: a folder or `s3://bucket/prefix`; null: `blobs` in the home folder."""
    retention_pictures_days: float | None = Field(default=None, ge=0)
    """Age in days at which pictures are deleted, once an hour; the answers stay. Null: never."""
    retention_predictions_days: float | None = Field(default=None, ge=0)
    """Age in days at which answers are deleted whole, with embedding, evidence and picture; labels and samples stay.
    Null: never."""
    idempotency_hours: float = Field(default=24.0, gt=0, le=24 * 365)
    """How long the answer to a request with an Idempotency-Key is kept for its repetition; older ones go once an
    hour."""
    pseudonym_file: Path | None = None
    """File with the secret that patient and lesion keys are hashed with; null: made in the home folder."""
    first_key_file: Path | None = None
    """File with a first administrator's key, for containers."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    cors_origins: tuple[str, ...] = ()
    """Web pages that may call the service from a browser."""
    log_format: Literal["json", "text"] = "json"
