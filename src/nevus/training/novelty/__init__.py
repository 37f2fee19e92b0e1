"""Refusal of pictures that aren't dermoscopy: a score inside the graph, and its fit.

Nothing is imported here, so that reading the settings doesn't load torch: import from the modules.
"""
