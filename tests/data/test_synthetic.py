import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from emtm.data.datasets import dataset_names, describe, open_dataset
from emtm.data.records import Query
from emtm.data.synthetic import cache
from emtm.data.synthetic.config import WORLDS, WorldConfig, statistics
from emtm.data.synthetic.generate import Corpus, generate
from emtm.data.synthetic.grammar import AGENTS, OBJECTS, VERBS, Event, all_words, concepts, sentence, word_vectors
from emtm.data.synthetic.sampler import MomentSampler, overlap
from emtm.data.synthetic.script import ask, write_script
from emtm.data.synthetic.stage import event_of, stage
from emtm.data.synthetic.world import Occurrence, World
from emtm.data.text import tokenize
from emtm.errors import UserError

TINY = WorldConfig(
    queries={"train": 40, "val": 10, "test": 10},
    clips=16,
    feature_dim=32,
    verbs=8,
    objects=10,
    agents=2,
    composites=0.3,
)

GOLDEN = "303534bc835c1712cd1307bd1d1e465f259ec6d43ebc9ff211abbd54b2b8d8a7"
"""Hash of TINY's corpus. If it has to change, raise GENERATOR_VERSION with it."""


@pytest.fixture(autouse=True)
def cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fingerprint(corpus: Corpus) -> str:
    digest = hashlib.sha256((corpus.latents.astype(np.float32).round(2) + 0.0).tobytes())
    rows = {split: [dataclasses.astuple(q) for q in queries] for split, queries in corpus.splits.items()}
    digest.update(json.dumps([corpus.video_ids, rows]).encode())
    return digest.hexdigest()


def test_the_stream_has_not_changed() -> None:
    assert fingerprint(generate(TINY)) == GOLDEN


def test_the_same_configuration_gives_the_same_bits() -> None:
    first, second = generate(TINY), generate(TINY)
    assert first.latents.tobytes() == second.latents.tobytes()
    assert first.splits == second.splits
    other = generate(dataclasses.replace(TINY, seed=1))
    assert fingerprint(other) != fingerprint(first)


def test_a_longer_split_begins_with_the_shorter_one() -> None:
    longer = generate(dataclasses.replace(TINY, queries={"train": 60, "val": 10, "test": 10}))
    assert longer.splits["train"][:40] == generate(TINY).splits["train"]


def test_splits_share_no_video_and_have_their_sizes() -> None:
    splits = generate(TINY).splits
    assert {split: len(queries) for split, queries in splits.items()} == TINY.queries
    videos = [{query.video_id for query in queries} for queries in splits.values()]
    assert sum(map(len, videos)) == len(set.union(*videos))
    ids = [query.query_id for queries in splits.values() for query in queries]
    assert len(ids) == len(set(ids))


def test_queries_are_sound() -> None:
    known = set(all_words())
    corpus = generate(dataclasses.replace(TINY, queries={"train": 400}))
    queries = corpus.splits["train"]
    assert {query.kind for query in queries} == {"plain", "ordinal", "composite"}
    for query in queries:
        assert 0 <= query.start_s < query.end_s <= query.duration_s
        assert set(tokenize(query.sentence)) <= known
        assert ("and then" in query.sentence) == (query.kind == "composite")
        assert any(word in query.sentence for word in ("again", "time.")) == (query.kind == "ordinal")


def test_a_relation_holds_between_the_moment_and_what_is_named_beside_it() -> None:
    config = dataclasses.replace(TINY, composites=0.0, relations=0.9, synonyms=0.0)
    world, sampler = World(config), MomentSampler(config.statistics)
    told = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        acts = write_script(world, sampler, rng)
        for query in ask(dataclasses.replace(config, boundary_noise=0.0), rng, acts, "v", 1.0):
            words = tokenize(query.sentence)
            related = {"after", "before"} & set(words)
            assert (query.kind == "relation") == bool(related)
            if not related:
                continue
            (relation,) = related
            spans = [act for act in acts if _named(act.event, words)]
            own = next(act for act in spans if act.span == pytest.approx((query.start_s, query.end_s), abs=1e-3))
            assert own.asked
            assert any(
                act.span[1] <= own.span[0] if relation == "after" else act.span[0] >= own.span[1] for act in spans
            )
            told += 1
    assert told > 60


def _named(event: Event, words: list[str]) -> bool:
    """Whether the words hold the event's verb, in a form of it, and its object."""
    return bool({*VERBS[event.verb][0]} & set(words)) and OBJECTS[event.object][0] in words


def test_a_sentence_says_which_event_is_meant_by_its_order_alone() -> None:
    first, second = Event(0, 0, 0), Event(0, 1, 1)
    said = {sentence(np.random.default_rng(seed), first, synonyms=0.0, beside=("after", second)) for seed in range(200)}
    swapped = {
        sentence(np.random.default_rng(seed), second, synonyms=0.0, beside=("after", first)) for seed in range(200)
    }
    assert any(one.startswith("after") for one in said)
    assert any(not one.startswith("after") for one in said)
    assert not said & swapped
    assert {tuple(sorted(tokenize(one))) for one in said} & {tuple(sorted(tokenize(one))) for one in swapped}


@pytest.mark.parametrize("name", ["charades", "activitynet", "tacos"])
def test_moments_follow_the_measured_statistics(name: str) -> None:
    rng, sampler = np.random.default_rng(0), MomentSampler(name)
    spans = np.array([sampler.moment(rng) for _ in range(4000)])
    assert (spans[:, 0] >= 0).all()
    assert (spans[:, 1] <= 1).all()
    counts, bins = np.array(statistics(name)["H"], float), statistics(name)["B"]
    starts = counts.sum(1) / counts.sum()
    drawn = np.bincount((spans[:, 0] * bins).astype(int).clip(max=bins - 1), minlength=bins) / len(spans)
    assert np.abs(drawn - starts).max() < 0.05
    durations = [sampler.duration_s(rng) for _ in range(2000)]
    assert np.median(durations) == pytest.approx(statistics(name)["dur_q"][10], rel=0.1)


def test_overlap() -> None:
    assert overlap((0, 0.5), (0.25, 0.75)) == pytest.approx(1 / 3)
    assert overlap((0, 0.5), (0.5, 1)) == 0
    assert overlap((0.2, 0.4), (0.2, 0.4)) == 1


def test_words_mean_one_thing_only() -> None:
    listed = [word for forms in VERBS for variant in forms for word in variant]
    listed += [word for names in (*OBJECTS, *AGENTS) for word in names]
    assert len(listed) == len(set(listed)) == len(concepts())
    assert all(tokenize(word) == [word] for word in all_words())


def test_word_vectors_of_a_concept_share_a_direction() -> None:
    vectors = word_vectors(["opens", "opening", "door", "doorway", "zebra"], seed=0)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert cosine[0, 1] == pytest.approx(0.64, abs=0.1)
    assert cosine[2, 3] == pytest.approx(0.64, abs=0.1)
    assert np.abs(cosine[[0, 0, 2], [2, 4, 4]]).max() < 0.2
    alone = word_vectors(["door"], seed=0)
    np.testing.assert_array_equal(alone.vectors[0], vectors.vectors[2])


def test_an_event_shows_where_it_happens() -> None:
    quiet = dataclasses.replace(TINY, clips=32, scene_noise=0.0, clip_noise=0.0, event_noise=0.0, invisible=0.0)
    world = World(quiet)
    video = world.latents(np.random.default_rng(0), [Occurrence(Event(0, 1, 2), (0.25, 0.5))])
    strength = np.linalg.norm(video.astype(np.float32), axis=1)
    np.testing.assert_allclose(strength[9:15], 1, atol=0.1)
    assert strength[:6].max() < 0.05
    assert strength[18:].max() < 0.05
    assert video.dtype == np.float16


def test_features_look_like_pooled_i3d() -> None:
    dataset = open_dataset("smoke")
    videos = np.stack([dataset.features[query.video_id] for query in dataset.splits["val"][::4]])
    assert videos.dtype == np.float32
    assert videos.shape[1:] == (32, 1024)
    assert videos.min() >= 0
    assert 0.15 < videos.mean() < 0.3
    assert 0.2 < videos.std() < 0.4
    unit = videos / np.linalg.norm(videos, axis=-1, keepdims=True)
    assert 0.8 < (unit[:, 1:] * unit[:, :-1]).sum(-1).mean() < 0.96


def test_features_do_not_depend_on_the_cache() -> None:
    dataset = open_dataset("smoke")
    video = dataset.splits["val"][0].video_id
    np.testing.assert_array_equal(dataset.features[video], dataset.features[video])
    with pytest.raises(UserError, match="no video 'x'"):
        dataset.features["x"]


def test_second_reading_comes_from_the_cache(cache_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cache.load_or_generate("tiny", TINY)
    assert [path.suffix for path in cache_directory.iterdir()] == [".npz"]
    monkeypatch.setattr(cache, "generate", lambda config: pytest.fail("generated again"))
    second = cache.load_or_generate("tiny", TINY)
    assert fingerprint(first) == fingerprint(second)
    assert second.splits == first.splits


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_corrupt_cache_is_replaced(cache_directory: Path, damage: str) -> None:
    first = cache.load_or_generate("tiny", TINY)
    (path,) = cache_directory.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes({"truncate": content[:-200], "flip": content, "empty": b""}[damage])
    assert fingerprint(cache.load_or_generate("tiny", TINY)) == fingerprint(first)
    assert len(path.read_bytes()) == len(content)


def test_a_cache_that_cannot_be_written_is_only_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="not kept"):
        corpus = cache.load_or_generate("tiny", TINY)
    assert corpus.splits == generate(TINY).splits


def test_the_key_follows_the_whole_configuration() -> None:
    keys = {cache.content_key(config) for config in WORLDS.values()}
    keys.add(cache.content_key(dataclasses.replace(WORLDS["smoke"], boundary_noise=0.07)))
    assert len(keys) == len(WORLDS) + 1


def test_staged_events_come_from_the_words() -> None:
    config = WORLDS["synth-charades"]
    assert event_of("He shut the cupboard while opening a door.", config) == Event(0, 1, 1)
    odd = event_of("Someone smiles.", config)
    assert odd == event_of("Someone smiles.", config)
    assert odd.verb < config.verbs
    assert odd.object < config.objects


def test_staged_videos_are_deterministic() -> None:
    queries = [Query("v/0", "v", "a person opens a door.", 20.0, 5.0, 10.0)]
    first, second = (stage(queries, TINY)["v"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (16, 32)


def test_a_staged_video_shows_what_is_asked_of_others() -> None:
    sentences = ["a person opens a door.", "a person eats a sandwich.", "a person closes a door."]
    queries = [Query(f"{i}/0", f"{i}", sentence, 20.0, 5.0 * i, 5.0 * i + 5) for i, sentence in enumerate(sentences)]
    quiet = dataclasses.replace(
        TINY, scene_noise=0.0, clip_noise=0.0, event_noise=0.0, invisible=0.0, edge_softness=0.1
    )
    strength = np.linalg.norm(shown := stage(queries, quiet)["0"] - stage(queries[:1], quiet)["0"], axis=1)
    assert strength[4:12].min() > 4 * strength[[0, 1, 2, 13, 14, 15]].max()
    again = dataclasses.replace(queries[1], sentence=sentences[0])
    alike = stage([queries[0], again, queries[2]], quiet)["0"] - stage(queries[:1], quiet)["0"]
    assert np.linalg.norm(alike[4:7]) < 0.1 * np.linalg.norm(shown[4:7])  # the event asked of it happens once


def test_datasets_by_name() -> None:
    embedded = {"smoke", "synth-charades", "synth-anet", "synth-tacos"}
    real = {"charades-sta", "activitynet-captions", "tacos", "charades-cd", "activitynet-cd", "qvhighlights", "custom"}
    assert embedded | real == set(dataset_names())
    for name in dataset_names():
        about = describe(name)
        assert about["name"] == name
        assert {"source", "licence", "queries"} <= set(about)
    dataset = open_dataset("smoke")
    assert dataset.synthetic
    assert {split: len(queries) for split, queries in dataset.splits.items()} == describe("smoke")["queries"]
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        open_dataset("smok")
    with pytest.raises(UserError, match="is embedded"):
        open_dataset("smoke", features="x")
