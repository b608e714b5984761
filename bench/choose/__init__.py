"""Which model fits a budget, and how sure that is."""
