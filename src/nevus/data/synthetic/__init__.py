"""Synthetic dermoscopy: a cohort of drawn lesions, so that everything runs with no download."""

from nevus.data.synthetic.generate import SyntheticError, generate, synthetic_fingerprint
from nevus.data.synthetic.settings import SyntheticSettings

__all__ = ["SyntheticError", "SyntheticSettings", "generate", "synthetic_fingerprint"]
