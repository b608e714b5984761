"""The annotation JSON of DiDeMo (Hendricks et al., ICCV 2017): chunks of five seconds, marked by about four people.

`[1, 4]` is from the start of chunk 1 to the end of chunk 4: 5 to 25 seconds. The windows that most annotators gave are
the moments of a query; the published score instead averages over the three annotators that agree best with an answer,
and counts chunks. The file holds no durations but numbers of chunks, of which the last is not always whole: the end of
a video is up to five seconds off unless `duration` is added to the entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emtm.data.annotations.rows import Row, seconds, text_of, video_of, window
from emtm.errors import UserError

CHUNK_S = 5.0
_CHUNKS = 6
"""Where the number is not there: videos were cut to thirty seconds when they were annotated."""


def is_didemo(entry: object) -> bool:
    """Whether an entry marks chunks."""
    return isinstance(entry, dict) and {"times", "description", "video"} <= set(entry)


def rows(path: Path, content: list[Any]) -> Iterator[Row]:
    """Annotations in the order of the file."""
    for number, entry in enumerate(content):
        where = f"{path}, entry {number}"
        if not is_didemo(entry):
            raise UserError(f"{where}: lacks video, description or times")
        times = entry["times"]
        if not isinstance(times, list) or not times:
            raise UserError(f"{where}: 'times' is not a list of [first chunk, last chunk]")
        length = seconds(entry.get("duration", CHUNK_S * seconds(entry.get("num_segments", _CHUNKS), where)), where)
        marked = Counter(window(span, where) for span in times)
        agreed = max(marked.values())
        yield Row(
            where,
            video_of(entry["video"], where),
            length,
            tuple(
                (CHUNK_S * first, min(CHUNK_S * (last + 1), length))
                for (first, last), count in marked.items()
                if count == agreed
            ),
            text_of(entry["description"], where),
            None if entry.get("annotation_id") is None else str(entry["annotation_id"]),
        )
