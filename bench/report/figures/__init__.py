"""Figures of a report: one kind a file, each a function from content to finished figures."""
