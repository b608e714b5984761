"""Word and character embedding of the VSLNet family."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.dropout import Dropout
from emtm.layers.tracing import result_alone
from emtm.layers.word_table import hold_vectors

CHAR_WIDTHS = (1, 2, 3, 4)
CHAR_FILTERS = (10, 20, 30, 40)
CHAR_DIM_OUT = sum(CHAR_FILTERS)


class WordEmbedding(nn.Module):
    """Frozen pretrained vectors with a zero row for padding and a trainable row for unknown words.

    Vectors that are a Parameter are learned instead.
    """

    vectors: Tensor

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        self.unknown = nn.Parameter(torch.empty(1, vectors.shape[1]))
        nn.init.xavier_uniform_(self.unknown)
        hold_vectors(self, vectors)

    def forward(self, word_ids: Tensor) -> Tensor:
        """Word ids `[B, T]` -> vectors `[B, T, W]`."""
        known, is_known = F.embedding((word_ids - 2).clamp_min(0), self.vectors), word_ids > 1
        if result_alone(known) and is_known.all():
            return known
        return known * is_known.unsqueeze(-1) + (word_ids == 1).unsqueeze(-1) * self.unknown


class CharacterCNN(nn.Module):
    """Character embedding, convolutions of width 1 to 4, maximum over positions.

    Published code lets the padding characters of a batch take part in the maximum, so a word's
    vector depends on the longest word beside it. By default a window counts only if it lies
    within the word (padded to the widest filter where it is shorter), which is what that code
    computes for the word alone.
    """

    def __init__(self, num_chars: int, dim: int, *, dropout: float = 0.0, official: bool = False) -> None:
        super().__init__()
        self.official = official
        self.table = nn.Parameter(torch.empty(num_chars - 1, dim))
        nn.init.xavier_uniform_(self.table)
        self.dropout = Dropout(dropout)
        self.convs = nn.ModuleList(
            nn.Conv1d(dim, filters, width) for width, filters in zip(CHAR_WIDTHS, CHAR_FILTERS, strict=True)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv1d) and conv.bias is not None
            nn.init.xavier_uniform_(conv.weight)
            nn.init.zeros_(conv.bias)

    def forward(self, char_ids: Tensor) -> Tensor:
        """Character ids `[B, T, C]`, C >= 4 -> `[B, T, 100]`."""
        words = char_ids.flatten(0, 1)
        if char_ids.shape[0] > 1 and not self.official and not self.dropout.active and result_alone(self.table):
            # Sentences share most of their words.
            words, which = torch.unique(words, dim=0, return_inverse=True)
            return F.embedding(which, self._encode(words)).view(*char_ids.shape[:2], CHAR_DIM_OUT)
        return self._encode(words).view(*char_ids.shape[:2], CHAR_DIM_OUT)

    def _encode(self, ids: Tensor) -> Tensor:
        """Words as character ids `[N, C]` -> `[N, 100]`."""
        present = ids > 0
        embedded = F.embedding((ids - 1).clamp_min(0), self.table) * present.unsqueeze(-1)
        embedded = self.dropout(embedded).transpose(1, 2)
        if self.official:
            return torch.cat([F.relu(conv(embedded)).amax(2) for conv in self.convs], 1)
        chars = ids.shape[1]
        left = present.sum(1, keepdim=True).clamp_min(CHAR_WIDTHS[-1]) - torch.arange(chars, device=ids.device)
        # A 2-D convolution takes the channels where they lie, last in memory; conv1d takes twice as long.
        image, pooled = embedded.unsqueeze(2), []
        for width, conv in zip(CHAR_WIDTHS, self.convs, strict=True):
            assert isinstance(conv, nn.Conv1d)
            response = F.conv2d(image, conv.weight.unsqueeze(2), conv.bias).squeeze(2)
            # Window 0 always counts, and what is below 0 becomes 0 in the end, so 0 never wins wrongly.
            pooled.append((response * (left[:, : chars - width + 1] >= width).unsqueeze(1)).amax(2))
        return F.relu(torch.cat(pooled, 1))


class QueryEmbedding(nn.Module):
    """Words and characters concatenated: `[B, T]`, `[B, T, C]` -> `[B, T, W + 100]`."""

    def __init__(
        self, vectors: Tensor, num_chars: int, char_dim: int, *, dropout: float = 0.0, official: bool = False
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(vectors)
        self.chars = CharacterCNN(num_chars, char_dim, dropout=dropout, official=official)
        self.dropout = Dropout(dropout)

    def forward(self, word_ids: Tensor, char_ids: Tensor) -> Tensor:
        """Word ids `[B, T]` and character ids `[B, T, C]` -> `[B, T, W + 100]`."""
        return torch.cat([self.dropout(self.words(word_ids)), self.chars(char_ids)], 2)
