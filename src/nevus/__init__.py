"""nevus: from a folder of skin-lesion images to a proven, served and monitored model."""

__version__ = "0.1.0"

__all__ = ["__version__"]
