"""BAN-APR: the model, its edge convolution, the sampling of its proposals and its losses."""

from baselines.ban_apr.model import BANAPR, BANAPRConfig

__all__ = ["BANAPR", "BANAPRConfig"]
