"""Feature files on disk, read by video id, and the rules that bring long videos to a model's clips."""

from emtm.data.features.archives import Hdf5Store, NpzStore
from emtm.data.features.checks import check_store, check_values, missing, num_rows
from emtm.data.features.opening import open_store, read_video, split_paths, store_files
from emtm.data.features.stores import DirectoryStore, DiskStore, GatheredStore, SideBySideStore
from emtm.data.resampling import Resampling, clip_count, clip_width, pool_clips, resample, store_width

__all__ = [
    "DirectoryStore",
    "DiskStore",
    "GatheredStore",
    "Hdf5Store",
    "NpzStore",
    "Resampling",
    "SideBySideStore",
    "check_store",
    "check_values",
    "clip_count",
    "clip_width",
    "missing",
    "num_rows",
    "open_store",
    "pool_clips",
    "read_video",
    "resample",
    "split_paths",
    "store_files",
    "store_width",
]
