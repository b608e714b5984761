"""EMB: the model, its content-guided attention and its elastic moments."""

from baselines.emb.model import EMB, EMBConfig

__all__ = ["EMB", "EMBConfig"]
