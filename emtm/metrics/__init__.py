"""IoU, recall at IoU thresholds under two protocols, and the floors of models without sight or words."""
