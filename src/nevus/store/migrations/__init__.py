"""Alembic's migrations of the store. A new one is a file in `versions`, and `nevus.store.schema.HEAD` names it."""
