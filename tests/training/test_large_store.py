"""Features that do not fit in memory: 20 GB of them, in files that take no room on the disk."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from emtm.data.features import check_store, open_store

VIDEOS, ROWS, WIDTH = 200, 25_600, 1024
"""105 MB a video in float32, 21 GB in all."""
LIMIT_BYTES = 2 * 2**30
PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(code)
"""
"""Runs a command and prints its peak: between, since a process starts with the peak of the one that started it."""


def sparse(path: Path) -> None:
    """An array of zeros that the file system stores as a hole."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (ROWS, WIDTH)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + ROWS * WIDTH * 4)
    if path.stat().st_blocks * 512 > 2**20:
        pytest.skip("the file system keeps no holes")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Charades-STA folder of 160 training videos and 40 test videos."""
    root = tmp_path / "charades"
    (root / "features").mkdir(parents=True)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for i in range(VIDEOS):
        sparse(root / "features" / f"V{i:03d}.npy")
        lines["train" if i < 160 else "test"].append(f"V{i:03d} {i % 7}.0 {i % 7 + 9}.0##person opens the door.")
    (root / "charades.json").write_text(json.dumps({f"V{i:03d}": {"duration": 30.0} for i in range(VIDEOS)}))
    for split, rows in lines.items():
        (root / f"charades_sta_{split}.txt").write_text("\n".join(rows) + "\n")
    words = np.array(["person", "opens", "the", "door", "."])
    np.savez(root / "glove.npz", words=words, vectors=np.ones((5, 300), np.float32))
    return root


@pytest.mark.slow
def test_twenty_gigabytes_are_trained_on_within_two(root: Path, tmp_path: Path) -> None:
    """Every video is read by training or validation, by the test, and once more by the video-only floor."""
    size = sum(path.stat().st_size for path in (root / "features").iterdir())
    assert size > 20e9
    command = [
        sys.executable, "-m", "emtm", "train", "vslnet", "--dataset", "charades-sta", "--root", str(root),
        "--glove", str(root / "glove.npz"), "--preset", "compact", "--set", f"feature_dim={WIDTH}",
        "--set", "epochs=2", "--set", "dim=16", "--threads", "1", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 2
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["queries"] == 40
    assert int(done.stdout) < LIMIT_BYTES


def test_a_large_hdf5_file_is_checked_without_being_read(tmp_path: Path) -> None:
    """Its content is never written, so that it is there by its shape alone."""
    with h5py.File(tmp_path / "f.hdf5", "w") as file:
        for i in range(VIDEOS):
            file.create_dataset(f"V{i:03d}", (ROWS, WIDTH), "<f4", chunks=(256, WIDTH))
    store = open_store(tmp_path)
    check_store(store, [f"V{i:03d}" for i in range(VIDEOS)], WIDTH)
    assert sum(np.prod(store.shape(f"V{i:03d}")) for i in range(VIDEOS)) * 4 > 20e9
    assert store["V007"].shape == (ROWS, WIDTH)
