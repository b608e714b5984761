"""JSON Schemas: of the result format, one file a version, and of the study summaries a report reads."""
