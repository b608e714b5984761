"""Annotation files of every published format, read into one record type with stated, counted policies.

======================  ===========================================================================
`charades_text`         official Charades-STA lines `VIDEO START END##sentence`, durations beside
`captions_json`         `{video: {timestamps, sentences, ...}}`: ActivityNet Captions, TACoS in
                        frames (2D-TAN), Charades-CD, ActivityNet-CD
`flat_list`             `[[video, duration, [start, end], sentence], ...]`: EMTM, TSGVZoo, VMRFrame
`json_lines`            `{"qid", "vid", "query", "duration", "relevant_windows"}`: QVHighlights,
                        lighthouse
======================  ===========================================================================
"""

from emtm.data.annotations.policies import Annotations, Policy, Report
from emtm.data.annotations.reading import read_annotations

__all__ = ["Annotations", "Policy", "Report", "read_annotations"]
