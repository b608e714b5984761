"""Building blocks that two or more models share; what one model alone uses lives with that model.

Here stands what families have in common: attention, dropout, the feature encoder, masks, recurrent
layers, the words of models that read no characters, and suppression. `span`, `map` and `detr` hold
what one family has in common.

Tensors are `[B, L, D]` with boolean masks `[B, L]`. Where published code lets padding leak into
valid positions, a block takes `official`: False (the default) masks the leak, so that a sample's
result never depends on its batch mates; True reproduces the published values, leak included.
"""
