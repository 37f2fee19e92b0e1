"""Whether a host answers, found out in seconds: the clients themselves would retry for minutes without a word."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from urllib.parse import urlparse

SECONDS = 5.0


def unreachable(url: str, seconds: float = SECONDS) -> str | None:
    """Why `url` can't be reached, or None where something answers there, whatever it says.

    Goes through a proxy where the environment names one, as the clients do.
    """
    if urlparse(url).scheme not in ("http", "https"):
        return f"{url} is not a web address"
    request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "nevus"})  # noqa: S310 - checked above
    try:
        # an own opener: the shared one remembers the proxy that the environment named first
        with urllib.request.build_opener().open(request, timeout=seconds):
            return None
    except urllib.error.HTTPError:
        return None
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
