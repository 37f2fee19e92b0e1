"""Starting the service on an address."""

from __future__ import annotations

import logging
import signal
from pathlib import Path

import uvicorn

from nevus.errors import InputError
from nevus.notices import NoticeSettings
from nevus.serving.address import is_loopback, require_free
from nevus.serving.app import create_app
from nevus.serving.patience import patient_protocol
from nevus.serving.service import configure_logs
from nevus.serving.settings import ServingSettings
from nevus.serving.tls import require_pair
from nevus.store import Store
from nevus.store.blobs import open_blobs
from nevus.store.keys import ApiKeys, register_key_file
from nevus.store.picture_place import note_place
from nevus.store.pseudonym_secrets import pseudonyms_to_serve
from nevus.tracking import TrackingSettings

GRACE_SECONDS = 20


class UnsafeAddressError(InputError):
    """The service would answer the whole network without asking who it is."""


def serve(
    store: Store,
    home: Path,
    settings: ServingSettings,
    *,
    tracking: TrackingSettings | None = None,
    notices: NoticeSettings | None = None,
) -> None:
    """Answer until told to stop; running requests are answered first. Arguments as those of `create_app`.

    Raises:
        UnsafeAddressError: an address beyond this machine, and no key exists.
        PseudonymSecretError: the store's rows are hashed with another secret than the one that is here.
        PicturePlaceError: the pictures of the store's rows lie elsewhere.
        InputError: TLS files that can't be used.
    """
    require_pair(settings.tls_certificate, settings.tls_key)
    if settings.first_key_file is not None:
        register_key_file(store, settings.first_key_file)
    if not is_loopback(settings.host) and not ApiKeys(store).any():
        raise UnsafeAddressError(
            f"{settings.host} can be reached from other machines, and there is no API key yet: everybody could read "
            "patients' pictures. Make a key first (`nevus keys create --role admin --name NAME`), or serve on "
            "127.0.0.1."
        )
    pseudonyms_to_serve(store, home, settings.pseudonym_file)
    note_place(store, open_blobs(settings.blobs, home))
    require_free(settings.host, settings.port)
    configure_logs(settings.log_format)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(store, home, settings, tracking=tracking, notices=notices),
        host=settings.host,
        port=settings.port,
        http=patient_protocol(settings.timeout_seconds, int(settings.max_body_mb * 1e6)),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(network) for network in settings.trusted_proxies],
        date_header=True,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        limit_concurrency=None,
        backlog=1024,
    )
    # uvicorn ends gracefully and then raises the signal again; to be told to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run()
