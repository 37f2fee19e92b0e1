"""What can be wrong with a bundle."""

from __future__ import annotations

from nevus.errors import InputError, NevusError


class BundleError(InputError):
    """A directory isn't a bundle that can be used: incomplete, changed, or of another format."""


class SelfTestError(BundleError):
    """The runtime doesn't reproduce the outputs that were recorded with the bundle."""


class InferenceError(NevusError, RuntimeError):
    """The graph ran and gave what no model may give, such as NaN."""
