"""Raw video to features: decoding, a packaged image backbone, folders of features with their origin.

Needs the extra `video` (PyAV and the weights); without it every function here that reads a video raises
UserError, and the modules can still be imported.
"""

from emtm.data.records import VIDEO_SUFFIXES
from emtm.data.video.backbone import Backbone
from emtm.data.video.decoding import Timeline, pictures, timeline
from emtm.data.video.extra import require, unavailable
from emtm.data.video.extraction import Sampling, VideoFeatures, extract
from emtm.data.video.folder import FeatureFolder, find_videos, read_origin

__all__ = [
    "VIDEO_SUFFIXES",
    "Backbone",
    "FeatureFolder",
    "Sampling",
    "Timeline",
    "VideoFeatures",
    "extract",
    "find_videos",
    "pictures",
    "read_origin",
    "require",
    "timeline",
    "unavailable",
]
