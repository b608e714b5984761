"""The soft label file: what goes in comes out, on any grid, and what is wrong with a file is said."""

import dataclasses
import multiprocessing
import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from emtm.data.distributions import resample
from emtm.data.records import Dataset, Query, WordVectors
from emtm.data.soft_labels import SoftLabelFile, SoftLabelInfo, open_soft_labels, read_soft_labels, save_soft_labels
from emtm.errors import UserError

INFO = SoftLabelInfo(
    teacher="vslnet",
    config={"dim": 8, "official": False, "name": "µ"},
    config_hash="abc",
    weights_sha256="0" * 64,
    dataset="toy",
    split="train",
    seed=3,
    accuracy={"r1": {"0.5": 61.25}, "miou": 44.0},
)
CLIPS = {"v1/0": 7, "v1/1": 7, "v2 'ü'/0": 1, "v3/0": 30}
LABELS = {
    query_id: np.random.default_rng(n).dirichlet(np.ones(n), 2).astype(np.float32) for query_id, n in CLIPS.items()
}


def dataset(ids: list[str], name: str = "toy") -> Dataset:
    queries = tuple(Query(query_id, query_id.split("/")[0], "a door opens", 10.0, 1.0, 2.0) for query_id in ids)
    words = WordVectors((), np.zeros((0, 3), np.float32))
    return Dataset(name, True, {"train": queries, "test": queries}, {}, words)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_soft_labels(tmp_path / "labels.h5", INFO, LABELS)
    return tmp_path / "labels.h5"


def test_what_goes_in_comes_out(path: Path) -> None:
    labels = read_soft_labels(path)
    assert len(labels) == 4
    assert labels.info == INFO
    for query_id, label in LABELS.items():
        assert query_id in labels
        np.testing.assert_array_equal(labels[query_id], label)
    with h5py.File(path) as file:
        assert file.attrs["num_queries"] == 4
        assert file.attrs["num_clips"] == 45
        assert file["distributions"].fletcher32
        assert file["distributions"].compression == "gzip"


def test_same_content_same_checksum_other_content_another(path: Path, tmp_path: Path) -> None:
    first = read_soft_labels(path).sha256
    assert save_soft_labels(tmp_path / "again.h5", INFO, LABELS) == first
    flipped = {**LABELS, "v1/0": LABELS["v1/0"][::-1]}
    assert save_soft_labels(tmp_path / "flipped.h5", INFO, flipped) != first
    renamed = dict(zip(["v1/1", "v1/0", "v2 'ü'/0", "v3/0"], LABELS.values(), strict=True))
    assert save_soft_labels(tmp_path / "renamed.h5", INFO, renamed) != first
    assert save_soft_labels(tmp_path / "seed.h5", dataclasses.replace(INFO, seed=4), LABELS) != first


def test_batch_is_by_id_on_the_students_own_clips(path: Path) -> None:
    labels = read_soft_labels(path)
    ids, clips = ["v3/0", "v1/1", "v2 'ü'/0"], torch.tensor([12, 7, 5])
    for _ in range(2):  # what is kept must equal what was made
        batch = labels.batch(ids, clips, 14)
        assert batch.shape == (3, 2, 14)
        assert batch.dtype == torch.float32
        torch.testing.assert_close(batch.sum(2), torch.ones(3, 2))
        assert (batch * (torch.arange(14) >= clips[:, None])[:, None] == 0).all()
        np.testing.assert_allclose(batch[1, :, :7], LABELS["v1/1"], atol=1e-6)
        torch.testing.assert_close(batch[2, :, :5], torch.full((2, 5), 0.2))
    alone = labels.batch(ids[:1], clips[:1], 12)
    torch.testing.assert_close(alone[0], batch[0, :, :12])
    torch.testing.assert_close(read_soft_labels(path).batch(ids[:1], clips[:1], 12), alone)
    other = labels.batch(ids[:1], torch.tensor([30]), 30)
    np.testing.assert_allclose(other[0], LABELS["v3/0"], atol=1e-6)


def test_batch_resamples_as_the_layer_does(path: Path) -> None:
    labels = read_soft_labels(path)
    for clips in (1, 3, 6, 7, 8, 29, 64):
        for query_id, label in LABELS.items():
            expected = resample(torch.from_numpy(label)[None], label.shape[1], clips, clips)
            torch.testing.assert_close(labels.batch([query_id], torch.tensor([clips]), clips), expected)


def test_batch_of_an_unknown_query(path: Path) -> None:
    with pytest.raises(UserError, match="no soft label of query 'v9/9'"):
        read_soft_labels(path).batch(["v9/9"], torch.tensor([3]), 3)


@pytest.mark.parametrize(
    ("ids", "name", "split", "words"),
    [
        (list(CLIPS), "toy", "train", None),
        (list(reversed(CLIPS)), "toy", "train", None),
        (list(CLIPS), "other", "train", "dataset 'toy', not of 'other'"),
        (list(CLIPS), "toy", "test", "split 'train', not of 'test'"),
        (
            [*CLIPS, "v4/0", "v5/0"],
            "toy",
            "train",
            "lacks soft labels of 2 of the 6 queries of toy train, first 'v4/0'",
        ),
        (list(CLIPS)[2:], "toy", "train", "of 2 queries that toy train has not, first 'v1/0'"),
    ],
)
def test_labels_belong_to_exactly_one_split(
    path: Path, ids: list[str], name: str, split: str, words: str | None
) -> None:
    labels = read_soft_labels(path)
    file = SoftLabelFile(str(path), "vslnet", labels.sha256)
    if words is None:
        assert len(open_soft_labels(file, dataset(ids, name), split)) == 4
        return
    with pytest.raises(UserError, match=words) as error:
        open_soft_labels(file, dataset(ids, name), split)
    assert str(path) in str(error.value)


def test_file_that_is_not_the_one_the_run_names(path: Path) -> None:
    with pytest.raises(UserError, match="has changed"):
        open_soft_labels(SoftLabelFile(str(path), "vslnet", "f" * 64), dataset(list(CLIPS)))


def test_not_such_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no soft label file"):
        read_soft_labels(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(UserError, match="is not a soft label file"):
        read_soft_labels(tmp_path / "text.h5")
    with h5py.File(tmp_path / "features.h5", "w") as file:
        file["v1"] = np.ones((3, 4))
    with pytest.raises(UserError, match="is not a soft label file"):
        read_soft_labels(tmp_path / "features.h5")


def test_other_version(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 2
    with pytest.raises(UserError, match="version 2, and this program reads version 1"):
        read_soft_labels(path)


def test_any_flipped_byte_of_the_data_is_noticed(path: Path) -> None:
    with h5py.File(path) as file:
        offsets = {name: file[name].id.get_chunk_info(0).byte_offset for name in store_arrays(file)}
    whole = path.read_bytes()
    for offset in offsets.values():
        spoiled = bytearray(whole)
        spoiled[offset + 5] ^= 1
        path.write_bytes(spoiled)
        with pytest.raises(UserError, match="is damaged"):
            read_soft_labels(path)
    path.write_bytes(whole)
    assert len(read_soft_labels(path)) == 4


def store_arrays(file: h5py.File) -> list[str]:
    names = sorted(file)
    assert names == ["distributions", "offsets", "query_ids"]
    return names


@pytest.mark.parametrize("change", ["value", "teacher", "remove", "truncate", "attribute"])
def test_changed_content_is_noticed_though_hdf5_reads_it(path: Path, change: str) -> None:
    if change == "truncate":
        os.truncate(path, path.stat().st_size // 2)
    else:
        with h5py.File(path, "a") as file:
            if change == "value":
                file["distributions"][0, 0] += 0.01
            elif change == "teacher":
                file.attrs["teacher"] = "seqpan"
            elif change == "remove":
                del file["offsets"]
            else:
                del file.attrs["sha256"]
    with pytest.raises(UserError, match="is damaged"):
        read_soft_labels(path)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (np.array([[0.5, 0.5], [0.5, np.nan]]), "no probability distribution"),
        (np.array([[0.5, 0.5], [0.5, 0.6]]), "no probability distribution"),
        (np.array([[0.5, 0.5], [1.5, -0.5]]), "no probability distribution"),
        (np.ones((2, 0)), "shape"),
        (np.ones((3, 1)), "shape"),
    ],
)
def test_what_is_no_distribution_is_not_written(tmp_path: Path, label: np.ndarray, words: str) -> None:
    with pytest.raises(UserError, match=f"'q'.*{words}"):
        save_soft_labels(tmp_path / "labels.h5", INFO, {"q": label})
    with pytest.raises(UserError, match="no queries"):
        save_soft_labels(tmp_path / "labels.h5", INFO, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [OSError(28, "disk full"), KeyboardInterrupt()])
def test_a_write_cut_short_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(h5py.File, "create_dataset", fail)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else UserError):
        save_soft_labels(path, INFO, {"other": np.ones((2, 1))})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["labels.h5"]


def _write_and_hang(path: Path, begun: "multiprocessing.synchronize.Event") -> None:
    def hang(*_: object, **__: object) -> None:
        begun.set()
        signal.pause()

    h5py.File.create_dataset = hang
    save_soft_labels(path, INFO, LABELS)


def test_a_killed_write_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=_write_and_hang, args=(tmp_path / "labels.h5", begun))
    process.start()
    assert begun.wait(60)
    process.kill()
    process.join()
    assert not (tmp_path / "labels.h5").exists()


def test_unwritable_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write"):
        save_soft_labels(tmp_path / "file" / "labels.h5", INFO, LABELS)
