"""What each section of the report shows: pure functions from the context to words, tables and charts."""
