"""Distillation: soft labels of teachers, their aggregation, and EMTM itself."""
