"""A stand-in for the ISIC archive's server, at the address where isic-cli looks for one on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

PORT = 8000


class IsicServer:
    """Serves images with metadata; `broken` names those that it refuses, `requests` is what was asked of it."""

    def __init__(self, images: dict[str, bytes]) -> None:
        self.images = images
        self.broken: set[str] = set()
        self.downloads: list[str] = []

    def search(self, limit: int | None) -> dict[str, object]:
        results = [
            {
                "isic_id": name,
                "attribution": "The test",
                "copyright_license": "CC-0",
                "metadata": {
                    "acquisition": {"pixels_x": 96},
                    "clinical": {"diagnosis_1": "Benign", "diagnosis_3": "Nevus", "lesion_id": f"IL_{number}"},
                },
                "files": {"full": {"url": f"http://127.0.0.1:{PORT}/files/{name}.jpg", "size": len(data)}},
            }
            for number, (name, data) in enumerate(self.images.items())
        ]
        return {"count": len(results), "next": None, "results": results[:limit]}


@contextmanager
def serving(images: dict[str, bytes]) -> Iterator[IsicServer]:
    """Serve until left.

    Raises:
        OSError: the port is taken.
    """
    isic = IsicServer(images)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            url = urlparse(self.path)
            name = url.path.rpartition("/")[2].removesuffix(".jpg")
            if url.path == "/api/v2/images/search/":
                limit = parse_qs(url.query).get("limit")
                self._send(json.dumps(isic.search(int(limit[0]) if limit else None)).encode())
            elif url.path == "/api/v2/images/search/size/":
                self._send(json.dumps({"size": sum(map(len, isic.images.values()))}).encode())
            elif url.path.startswith("/api/v2/collections/"):
                self._send(json.dumps({"id": int(name or url.path.split("/")[-2]), "name": "Test"}).encode())
            elif url.path.startswith("/api/v2/zip-download/license-file/"):
                self._send(b"The licence's text.")
            elif url.path.startswith("/files/") and name in isic.images and name not in isic.broken:
                isic.downloads.append(name)
                self._send(isic.images[name], "image/jpeg")
            else:
                self.send_error(404)

        def _send(self, body: bytes, kind: str = "application/json") -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield isic
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
