"""Blocks of models that predict start and end logits over clips.

EMTM and its student, SeqPAN and VSLNet are made of them; EMB and EAMAT take their fusion, losses and decoding.
"""
