"""What runs in the processes that are compared; a peer's python runs its file alone, without the rest of the suite."""
