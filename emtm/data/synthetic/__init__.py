"""The embedded dataset: generated videos and queries with the statistics of real ones."""
