"""Which model answers a request: the champion, the challenger for its share, or the version that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.serving.errors import ProblemError
from nevus.serving.lineup import LoadedModel
from nevus.serving.service import Service


@dataclass(frozen=True)
class Route:
    """model: who answers. shadow: who judges beside it, unseen."""

    model: LoadedModel
    arm: str
    shadow: LoadedModel | None = None


def choose(service: Service, asked: str | None, *, patient: str | None, lesion: str | None, request_id: str) -> Route:
    """The route of a request. Its share is sticky by patient, else by lesion, else by request.

    Raises:
        ProblemError: 404 the version isn't loaded; 503 nothing is.
    """
    lineup = service.fleet.lineup
    if lineup.champion is None:
        raise ProblemError(503, "no model is loaded yet; ask /ready.", headers={"Retry-After": "2"})
    if asked is not None:
        pinned = service.fleet.find(asked)
        if pinned is None:
            loaded = ", ".join(model.ref for model in lineup.all)
            raise ProblemError(404, f"the version {asked[:80]!r} is not loaded; loaded: {loaded}.", field="model")
        return Route(pinned, "pinned")
    if lineup.challenger is None:
        return Route(lineup.champion, "champion")
    unit = patient or lesion or request_id
    if lineup.challenger_share > 0 and service.pseudonyms.share(unit) < lineup.challenger_share:
        return Route(lineup.challenger, "challenger")
    return Route(lineup.champion, "champion", lineup.challenger if lineup.shadow else None)
