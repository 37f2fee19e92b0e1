"""Variants of a bundle for other engines and precisions."""

from nevus.bundle.conversion.convert import ConversionReport, convert_bundle
from nevus.bundle.conversion.deviation import Deviation, compare

__all__ = ["ConversionReport", "Deviation", "compare", "convert_bundle"]
