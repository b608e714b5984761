"""CPL: the model and the decoders that it proposes and reconstructs with."""

from baselines.cpl.model import CPL, CPLConfig

__all__ = ["CPL", "CPLConfig"]
