"""Erasure: the inventory of places with patient data, and the walk through it."""

from nevus.store.erasure.erase import Erased, erase_patient
from nevus.store.erasure.patient import Line, Patient, Place
from nevus.store.erasure.rows import row_places

__all__ = ["Erased", "Line", "Patient", "Place", "erase_patient", "row_places"]
