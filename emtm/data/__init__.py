"""Annotations, features, text and the embedded dataset, up to batches."""
