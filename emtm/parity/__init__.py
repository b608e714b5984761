"""Our models on reference fixtures: weights, inputs and outputs of the published code."""
