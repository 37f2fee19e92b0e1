"""The main job as steps: their contract, what runs and records them, and the engines that order them."""

from nevus.pipeline.execute import StepResult
from nevus.pipeline.records import CompletionRecord, read_record
from nevus.pipeline.step import URI, Inputs, Outcome, Pipeline, StepSpec

__all__ = ["URI", "CompletionRecord", "Inputs", "Outcome", "Pipeline", "StepResult", "StepSpec", "read_record"]
