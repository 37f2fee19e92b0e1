"""Duplicates: images that show one lesion under two names."""
