"""The model bundle: one self-describing directory, and the predictor that runs it without torch."""

from nevus.bundle.directory import bundle_digest, read_bundle_manifest, verify_checksums, write_checksums
from nevus.bundle.errors import BundleError, InferenceError, SelfTestError
from nevus.bundle.metadata import Metadata, MetadataError
from nevus.bundle.prediction import Failure, Prediction
from nevus.bundle.predictor import Predictor
from nevus.bundle.schema import BundleManifest
from nevus.bundle.verdict import NOTICE, REASONS, VERDICTS, Reason, Verdict
from nevus.bundle.write import write_bundle

__all__ = [
    "NOTICE",
    "REASONS",
    "VERDICTS",
    "BundleError",
    "BundleManifest",
    "Failure",
    "InferenceError",
    "Metadata",
    "MetadataError",
    "Prediction",
    "Predictor",
    "Reason",
    "SelfTestError",
    "Verdict",
    "bundle_digest",
    "read_bundle_manifest",
    "verify_checksums",
    "write_bundle",
    "write_checksums",
]
