"""Annotation files of every published format, read into one record type with stated, counted policies.

======================  ===========================================================================
`charades_text`         official Charades-STA lines `VIDEO START END##sentence`, durations beside
`captions_json`         `{video: {timestamps, sentences, ...}}`: ActivityNet Captions, TACoS in
                        frames (2D-TAN), Charades-CD, ActivityNet-CD, Ego4D as its baseline has it
`flat_list`             `[[video, duration, [start, end], sentence], ...]`: EMTM, TSGVZoo, VMRFrame
`json_lines`            `{"qid", "vid", "query", "duration", "relevant_windows"}` and other names of
                        these, a line each, in an array or by id: QVHighlights, lighthouse, TVR, MAD
`ego4d`                 videos, clips, annotators, queries: Ego4D's natural language queries
`didemo`                chunks of five seconds marked by several annotators: DiDeMo
`own_lines`             `{"video_id", "duration", "query", "start", "end"}` lines of one's own data, read
                        strictly and only for `emtm.data.own`
======================  ===========================================================================
"""

from emtm.data.annotations.policies import Annotations, Policy, Report
from emtm.data.annotations.reading import read_annotations

__all__ = ["Annotations", "Policy", "Report", "read_annotations"]
