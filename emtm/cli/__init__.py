"""The commands of `python -m emtm`, one module a group; importing this package registers them."""

from emtm.cli import catalogue, deploy, distillation, parity, prepare, score, soft_labels, training, video
from emtm.cli.app import app

__all__ = [
    "app",
    "catalogue",
    "deploy",
    "distillation",
    "parity",
    "prepare",
    "score",
    "soft_labels",
    "training",
    "video",
]
