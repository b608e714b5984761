"""The likeliest moments without the map of all: for each start clip the best end that is left, and the reverse.

P(start = i) P(end = j) is largest where P(end = j) is, so that a row of the map needs one maximum over a range. A
product rounds to a larger one where a factor is larger: values and ties are those of the map, to the bit. Of a row
a chosen moment takes away one run of ends, which leaves at most one range more.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def likeliest_spans(start: Tensor, end: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Best start clip, best end clip and best product of distributions `[B, L]`, again and again, `[B]` each.

    Spans that share more than half of their hull with one given before are left out.
    """
    # The best start of an end is the best end of a start in the mirrored video, which goes as more samples.
    starts, ends = torch.cat([start, end.flip(1)]), torch.cat([end, start.flip(1)])
    best = ends.flip(1).cummax(1).values.flip(1)
    maxima, taken = None, ends.new_empty(len(ends), 2, 0, dtype=torch.long)
    while True:
        from_start, to_end = (starts * best).chunk(2)
        first, last = from_start.argmax(1), to_end.flip(1).argmax(1)
        yield first, last, from_start.amax(1)
        span = torch.stack([first, last], 1)
        both = torch.cat([span, start.shape[1] - 1 - span.flip(1)])
        taken = torch.cat([taken, both.unsqueeze(2)], 2)
        maxima = range_maxima(ends) if maxima is None else maxima
        best = _best_left(maxima, taken)


def _best_left(maxima: Tensor, taken: Tensor) -> Tensor:
    """Largest end probability left to each start, `[B, L]`; `range_maxima` of the ends, spans `taken` `[B, 2, K]`."""
    length = maxima.shape[2]
    start = torch.arange(length, device=maxima.device).view(1, -1, 1)
    first, behind = taken[:, :1], taken[:, 1:] + 1
    later, earlier = torch.maximum(start, first), torch.minimum(start, first)
    # Ends that are lost: from where more than half is shared to where the hull grows too long for that.
    low, high = later + (behind - earlier) // 2, 2 * (behind - later) + earlier - 1
    none = low >= high
    low, order = low.masked_fill(none, length).sort(2)
    high = high.masked_fill(none, 0).gather(2, order).cummax(2).values
    begin, behind = torch.maximum(F.pad(high, (1, 0)), start), F.pad(low, (0, 1), value=length)
    return largest(maxima, begin, behind).amax(2)


def range_maxima(x: Tensor) -> Tensor:
    """Maxima of `x` `[B, L]` over 1, 2, 4, ... elements from each on, `[B, P, L]`; 0 where they would end beyond L."""
    rows, width = [x], 1
    while 2 * width <= x.shape[1]:
        rows.append(torch.maximum(rows[-1][:, :-width], rows[-1][:, width:]))
        width *= 2
    return torch.stack([F.pad(row, (0, x.shape[1] - row.shape[1])) for row in rows], 1)


def largest(maxima: Tensor, begin: Tensor, behind: Tensor) -> Tensor:
    """Maximum over the elements from `begin` to before `behind`, of the shape of both, `[B, ...]`; 0 where none are."""
    count = behind - begin
    power = torch.frexp(count.clamp_min(1).float()).exponent.long() - 1
    row = power * maxima.shape[2]
    places = torch.stack([row + begin, row + behind - (1 << power)]).clamp(0, maxima[0].numel() - 1)
    found = maxima.flatten(1).gather(1, places.transpose(0, 1).flatten(1)).view(len(maxima), 2, *count.shape[1:])
    return found.amax(1).masked_fill(count < 1, 0.0)
