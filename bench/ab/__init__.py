"""Two revisions measured against each other in one session: `python -m bench.report ab`."""
