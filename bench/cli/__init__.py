"""Commands of `python -m bench.report`, one file each; what they do stands elsewhere in bench."""
