"""What a report knows: run and study files, what is computed from them once, and no word of how it is shown."""
