"""Two run files against each other: what changed in every case, and whether that can be told."""
