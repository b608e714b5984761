"""Blocks of models whose queries become spans: Moment-DETR, QD-DETR and EaTR."""
