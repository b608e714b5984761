"""Published models of temporal sentence grounding, one module a model: a file, or a package where it has many parts."""
