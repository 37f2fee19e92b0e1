"""Judging a model: scores with intervals, calibration, operating points, subgroups, comparison and the gate."""

from nevus.evaluation.aggregate import one_vote_a_lesion
from nevus.evaluation.calibration import describe_calibration, fit_temperature, softmax
from nevus.evaluation.comparison import Comparison, ComparisonError, Difference, compare, compare_at_thresholds
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.gate import GateLine, GateVerdict, judge
from nevus.evaluation.metrics import METRICS, Metric
from nevus.evaluation.operating_points import choose_operating_points, choose_threshold, operating_point_name
from nevus.evaluation.policy import Policy, PolicyError, Rule, load_policy, shipped_policies
from nevus.evaluation.prediction_sets import choose_set_threshold
from nevus.evaluation.predictions import NO_CLASS, Predictions
from nevus.evaluation.refusal import choose_refusal_limit
from nevus.evaluation.results import (
    Bootstrap,
    Calibration,
    EvaluationResults,
    OperatingPoint,
    PartSize,
    Provenance,
    ResultsError,
    read_results,
    write_results,
)
from nevus.evaluation.subset_scores import Scores

__all__ = [
    "METRICS",
    "NO_CLASS",
    "Bootstrap",
    "Calibration",
    "Comparison",
    "ComparisonError",
    "Difference",
    "Estimate",
    "EvaluationError",
    "EvaluationResults",
    "GateLine",
    "GateVerdict",
    "Metric",
    "OperatingPoint",
    "PartSize",
    "Policy",
    "PolicyError",
    "Predictions",
    "Provenance",
    "ResultsError",
    "Rule",
    "Scores",
    "choose_operating_points",
    "choose_refusal_limit",
    "choose_set_threshold",
    "choose_threshold",
    "compare",
    "compare_at_thresholds",
    "describe_calibration",
    "evaluate",
    "fit_temperature",
    "judge",
    "load_policy",
    "one_vote_a_lesion",
    "operating_point_name",
    "read_results",
    "shipped_policies",
    "softmax",
    "write_results",
]
