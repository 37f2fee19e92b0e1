"""Stored predictions, by what is known of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from nevus.api import PredictionPage
from nevus.bundle.verdict import Verdict
from nevus.serving.answers import stored_answer
from nevus.serving.auth import Principal, needs
from nevus.serving.bodies import PatientKey
from nevus.serving.csv_text import csv_response, prediction_columns, prediction_line, wants_csv
from nevus.serving.errors import ProblemError
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.predictions import FilterError, PredictionFilter, list_predictions

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

_ASKED_AS = {
    "ids": "id",
    "since": "from",
    "until": "to",
    "verdicts": "verdict",
    "p_min": "p_malignant_min",
    "p_max": "p_malignant_max",
    "arms": "arm",
    "patient_hash": "patient",
    "lesion_hash": "lesion",
}
Arm = Literal["champion", "challenger", "pinned", "shadow"]
_Text = Annotated[str | None, Query(min_length=1, max_length=200)]
_Share = Annotated[float | None, Query(ge=0, le=1)]
_CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.get(
    "",
    summary="Find predictions",
    response_model=PredictionPage,
    responses={200: {"content": _CSV}, **problems(401, 403, 422, 429, 503)},
)
async def listing(
    request: Request,
    *,
    principal: Annotated[Principal, needs("reader")],
    id_: Annotated[list[str] | None, Query(alias="id", max_length=500)] = None,
    request_id: _Text = None,
    day: Annotated[date | None, Query(description="a day in UTC")] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="from then on; with its zone")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="before then; with its zone")] = None,
    model: _Text = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    bundle_digest: _Text = None,
    verdict: Annotated[list[Verdict] | None, Query()] = None,
    p_malignant_min: _Share = None,
    p_malignant_max: _Share = None,
    labelled: Annotated[bool | None, Query(description="whether somebody has said what the image shows")] = None,
    arm: Annotated[Arm | None, Query(description="all but shadow unless named")] = None,
    patient: Annotated[PatientKey | None, Query(description="your key of the patient")] = None,
    lesion: Annotated[PatientKey | None, Query(description="your key of the lesion")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before")] = None,
) -> Any:
    """The newest first. What is predicted meanwhile moves nothing on later pages.

    With `Accept: text/csv` a table, whose next page is named in the header Link. The lesion of a patient is found by
    both keys.
    """
    del principal
    service: Service = request.app.state.service
    names = service.pseudonyms
    _check_moments({"from": since, "to": until})
    wanted = PredictionFilter(
        ids=id_,
        request_id=request_id,
        day=day,
        since=since,
        until=until,
        model=model,
        version=version,
        bundle_digest=bundle_digest,
        verdicts=verdict,
        p_min=p_malignant_min,
        p_max=p_malignant_max,
        labelled=labelled,
        arms=[arm] if arm is not None else None,
        patient_hash=names.patient(patient) if patient else None,
        lesion_hash=names.lesion(patient, lesion) if lesion else None,
    )
    try:
        page = await service.in_thread(list_predictions, service.store, wanted, cursor=cursor, limit=limit)
    except FilterError as error:
        field = _ASKED_AS.get(error.field, error.field)
        raise ProblemError(422, f"{field}{str(error).removeprefix(error.field)}", field=field) from error
    answers = [stored_answer(one) for one in page.predictions]
    headers = {"Link": _next(request, page.next_cursor)} if page.next_cursor else {}
    if wants_csv(request):
        return csv_response([prediction_line(one) for one in answers], prediction_columns(answers), headers)
    return _json({"predictions": answers, "next": page.next_cursor}, headers)


def _check_moments(moments: dict[str, datetime | None]) -> None:
    for field, moment in moments.items():
        try:
            if moment is not None:
                moment.astimezone(UTC)
        except OverflowError as error:
            raise ProblemError(422, f"{field} lies outside the years 1 to 9999 in UTC.", field=field) from error


def _json(content: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), media_type="application/json", headers=headers)


def _next(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f'<{request.url.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
