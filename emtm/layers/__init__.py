"""Building blocks of span-based grounding networks (the VSLNet, SeqPAN and EMTM family).

Tensors are `[B, L, D]` with boolean masks `[B, L]`. Where published code lets padding leak into
valid positions, a block takes `official`: False (the default) masks the leak, so that a sample's
result never depends on its batch mates; True reproduces the published values, leak included.
"""
