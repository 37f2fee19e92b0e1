"""Whatever the OpenAPI document allows, or nearly allows, is answered without a failure of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import content_type_conformance, not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode
from starlette.types import Receive, Scope, Send

from rollout_factory import approved
from serving_factory import Served, drawn, serving

pytestmark = pytest.mark.slow  # hundreds of requests over all routes

EXAMPLES = 8
CHECKS = [not_a_server_error, content_type_conformance]
SEED = 3


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory, serving_bundle: Any) -> Iterator[Served]:
    """A service with a version in its registry, a prediction and its label; it waits for nobody for long."""
    with serving(tmp_path_factory.mktemp("fuzzed"), serving_bundle, timeout_seconds=5) as running:
        approved(running.store, serving_bundle)
        yield running


@pytest.fixture(scope="module")
def known(fuzzed: Served) -> dict[str, Any]:
    """What a path may name: things that exist."""
    answer = fuzzed.predict(drawn("mel"), explain=True)
    label = {"prediction_id": answer["prediction_id"], "diagnosis": "mel"}
    assert fuzzed.post("/v1/labels", json=label).status_code == 201
    return {"prediction_id": answer["prediction_id"], "model": "tiny", "number": 1, "name": "tiny", "version": 1}


@pytest.fixture(scope="module")
def api(fuzzed: Served) -> Any:
    async def started(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("it runs already")
        await fuzzed.app(scope, receive, send)

    generation = GenerationConfig(max_examples=EXAMPLES, deterministic=True, no_shrink=True)
    project = ProjectConfig(generation=generation, headers=fuzzed.headers("admin"))
    config = SchemathesisConfig(seed=SEED, projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_asgi("/openapi.json", started, config=config)


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str], known: dict[str, Any]) -> None:
    """Send examples of one operation; those with a path once more to what exists."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, headers=headers)
        if case.path_parameters:
            case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
            case.call_and_validate(checks=CHECKS, headers=headers)

    run()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_request_makes_the_service_fail(
    api: Any, fuzzed: Served, known: dict[str, Any], mode: GenerationMode, subtests: pytest.Subtests
) -> None:
    for found in api.get_all_operations():
        operation = found.ok()
        with subtests.test(operation.label):
            try:
                ask(operation, mode, fuzzed.headers("admin"), known)
            except Unsatisfiable:  # nothing about this operation can be said wrongly
                assert mode is GenerationMode.NEGATIVE
