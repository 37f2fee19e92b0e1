"""The web console: a client of the HTTP API, nothing else."""
