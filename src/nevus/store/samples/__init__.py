"""Samples: labelled images that people upload for the next training."""

from nevus.store.samples.batches import add_batch, list_batches, list_samples
from nevus.store.samples.sample import NewSample, RejectedSample, Sample, SampleBatch, SampleError

__all__ = [
    "NewSample",
    "RejectedSample",
    "Sample",
    "SampleBatch",
    "SampleError",
    "add_batch",
    "list_batches",
    "list_samples",
]
