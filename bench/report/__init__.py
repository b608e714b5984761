"""From a run file to a page: `python -m bench.report`."""
