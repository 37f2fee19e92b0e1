"""The data page: what a manifest holds, drawn and counted, in one HTML file."""

from nevus.reporting.describe.describe import DescribeSettings, describe
from nevus.reporting.describe.samples import ReadPixels

__all__ = ["DescribeSettings", "ReadPixels", "describe"]
