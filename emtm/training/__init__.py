"""One training loop for every model, its checkpoints, and evaluation of what it leaves."""
