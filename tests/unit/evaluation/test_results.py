import json

import pytest
from pydantic import ValidationError

from evaluation_factory import make_evaluation
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.results import SCHEMA_VERSION, EvaluationResults, ResultsError, read_results, write_results


@pytest.fixture(params=["diagnosis", "malignancy"])
def results(request):
    return make_evaluation(task=request.param)


def test_a_file_holds_the_very_same_figures(results, tmp_path):
    path = tmp_path / "metrics.json"
    write_results(results, path)
    assert read_results(path) == results
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


def test_any_json_reader_can_read_it_and_curves_take_one_line(results):
    plain = json.loads(results.to_json())
    assert plain["schema_version"] == SCHEMA_VERSION
    assert plain["subsets"]["test"]["metrics"]["balanced_accuracy"]["value"] > 0.7
    assert "NaN" not in results.to_json()
    assert max(len(line) for line in results.to_json().splitlines()) > 1000


def test_what_is_no_figure_is_null():
    assert Estimate.of(float("nan"), 0.1, 0.2) == Estimate(value=None)
    assert Estimate.of(0.5) == Estimate(value=0.5)
    assert Estimate.of(0.5, 0.4, float("inf")).high is None


def test_results_cannot_be_changed(results):
    with pytest.raises(ValidationError):
        results.task = "diagnosis"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"schema_version": 99}', "schema_version 99, and this nevus reads up to 1"),
        ('{"schema_version": 1, "task": "diagnosis"}', "Field required at classes"),
    ],
)
def test_a_strange_file_is_refused_with_the_reason(text, said, tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match=said) as caught:
        read_results(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(ResultsError, match="nevus evaluate"):
        read_results(tmp_path / "none.json")


def test_an_unknown_key_is_refused(results):
    plain = json.loads(results.to_json()) | {"extra": 1}
    with pytest.raises(ResultsError, match="extra"):
        EvaluationResults.from_json(json.dumps(plain))
