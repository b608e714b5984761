"""Blocks of models that score a 2-D map of moments: 2D-TAN, CCA and BAN-APR."""
