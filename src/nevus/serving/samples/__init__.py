"""Labelled images for the next training: how uploads are opened, checked and kept."""

from nevus.serving.samples.archive import Archive, open_archive
from nevus.serving.samples.intake import Intake, take_in
from nevus.serving.samples.offered import Offered, unsafe_name

__all__ = ["Archive", "Intake", "Offered", "open_archive", "take_in", "unsafe_name"]
