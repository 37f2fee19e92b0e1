"""`card.md`: what the model is for, what it was measured to do, and what nobody knows about it."""

from nevus.reporting.card.writing import render_card, write_card

__all__ = ["render_card", "write_card"]
