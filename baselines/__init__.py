"""Published models of temporal sentence grounding, one file a model."""
