"""JSON Schemas of the result format, one file a version."""
