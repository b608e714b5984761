"""Instruments: each file measures one thing, returns frozen dataclasses, and never prints."""
