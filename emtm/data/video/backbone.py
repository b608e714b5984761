"""The frozen image network that turns pictures into features, with the packaged weights."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import torch
from torch import Tensor, nn

from emtm.data.video.decoding import Picture
from emtm.data.video.extra import weights_file
from emtm.data.video.network import SIZE_PX, WIDTH, EfficientNetLite0
from emtm.errors import UserError

NAME = "efficientnet-lite0"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PREPROCESSING = f"shorter side bicubic to {SIZE_PX}, middle square, (RGB - 127) / 128"
"""Of the authors' own evaluation, but for their margin of an eighth: what happens at the edge counts here.

The package with the weights recommends the mean and deviation of ImageNet instead; the weights were not
trained so, and recognise less with it.
"""

_MEAN, _DEVIATION = 127.0, 128.0
_BLOCK_PARTS = {
    "_expand_conv": "expand",
    "_bn0": "expand_norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_norm",
    "_project_conv": "project",
    "_bn2": "project_norm",
}
_PARTS = {
    "_conv_stem": "stem",
    "_bn0": "stem_norm",
    "_conv_head": "head",
    "_bn1": "head_norm",
    "_fc": "classifier",
}


class Backbone:
    """EfficientNet-Lite0 in eval mode, without gradients.

    Raises:
        UserError: the package with the weights is not installed, or holds other weights.
    """

    dim = WIDTH
    size_px = SIZE_PX

    def __init__(self, device: str = "cpu") -> None:
        self.network: nn.Module = _network().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    def features(self, pictures: list[Picture]) -> Tensor:
        """Features `[B, 1280]` of RGB pictures `[224, 224, 3]`, on the CPU."""
        with torch.inference_mode():
            features: Tensor = self.network(self._input(pictures))
            return features.cpu()

    def classify(self, pictures: list[Picture]) -> Tensor:
        """Probabilities `[B, 1000]` of ImageNet's classes, on the CPU: a check of the whole path."""
        network = self.network
        assert isinstance(network, EfficientNetLite0)
        with torch.inference_mode():
            return network.classify(network(self._input(pictures))).softmax(1).cpu()

    def _input(self, pictures: list[Picture]) -> Tensor:
        # The pictures lie in memory with their channels last, which is how the network takes them fastest.
        rows = torch.from_numpy(np.stack(pictures)).to(self._device).permute(0, 3, 1, 2)
        return (rows.float() - _MEAN) / _DEVIATION


def _network() -> EfficientNetLite0:
    path = weights_file()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"the backbone's weights cannot be read: {error}") from None
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise UserError(f"{path} does not hold the weights that this version was made for")
    weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    network.load_state_dict({_renamed(name): tensor for name, tensor in weights.items()})
    return network.requires_grad_(False).eval()


def _renamed(name: str) -> str:
    """Name in our network of a tensor in the package's file."""
    part, *rest = name.split(".")
    if part != "_blocks":
        return ".".join([_PARTS[part], *rest])
    block, inner, kind = rest
    return f"blocks.{block}.{_BLOCK_PARTS[inner]}.{kind}"
