"""What holds for every model that scores a moment map."""

import pytest
import torch

from .maps import small_map_model
from .tiny import SUBJECTS, Subject

MAPS = [subject for subject in SUBJECTS if hasattr(subject.config(), "map_clips")]
maps = pytest.mark.parametrize("subject", MAPS, ids=str)


@maps
def test_moments_of_one_query_overlap_little(subject: Subject) -> None:
    model, batch = subject.build(nms_iou=0.3), subject.batch((20,), (9,))
    with torch.no_grad():
        found = model.moments(model(batch), batch.duration_s, 3)[0]
    for i in range(3):
        for j in range(i):
            shared = torch.minimum(found[i, 1], found[j, 1]) - torch.maximum(found[i, 0], found[j, 0])
            joined = torch.maximum(found[i, 1], found[j, 1]) - torch.minimum(found[i, 0], found[j, 0])
            assert shared / joined <= 0.3 + 1e-5 or torch.equal(found[i], found[j])


@maps
def test_official_and_default_predict_alike_for_one_sample(subject: Subject) -> None:
    """Published waste reaches no prediction where there is neither padding nor a batch."""
    official, default = subject.build(official=True), subject.build()
    clips = default.config.max_clips
    batch = subject.batch((clips,), (6,))
    _copy(official, default)
    with torch.no_grad():
        one, other = (m.span_distribution(m(batch)) for m in (official, default))
    torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def _copy(official: torch.nn.Module, default: torch.nn.Module) -> None:
    """Weights of the official model into the default one, whose attention keeps the values alone."""
    state, kept = official.state_dict(), default.state_dict()
    for name in kept:
        if name in state and kept[name].shape == state[name].shape:
            kept[name] = state[name]
    if "mixer.value.weight" in kept:
        for kind in ("weight", "bias"):
            kept[f"mixer.value.{kind}"] = state[f"mixer.self_attn.in_proj_{kind}"].chunk(3)[2]
            for theirs, ours in {"self_attn.out_proj": "out", "linear1": "inner", "linear2": "outer"}.items():
                kept[f"mixer.{ours}.{kind}"] = state[f"mixer.{theirs}.{kind}"]
            for number in "12":
                kept[f"mixer.norm_{number}.{kind}"] = state[f"mixer.norm{number}.{kind}"]
    default.load_state_dict(kept)


@maps
def test_training_lowers_the_loss(subject: Subject) -> None:
    model, batch = subject.in_training(), subject.batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    for _ in range(25):
        losses = model.loss(model(batch), batch)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
        history.append(float(losses.terms["map"].detach()))
    assert sum(history[-5:]) < 0.8 * sum(history[:5])


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("tan2d", {"pooling_counts": (16,)}, "no moments of 17 clips"),
        ("tan2d", {"min_iou": 0.7, "max_iou": 0.7}, "not below max_iou"),
        ("tan2d", {"max_clips": 24}, "no multiple of map_clips"),
        ("tan2d", {"kernel": 4}, "odd"),
        ("cca", {"num_concepts": 9}, "multiple of 8"),
        ("cca", {"pool_kernel": 3}, "more than the rows"),
        ("ban-apr", {"peaks": 400}, "more than the map's"),
        ("ban-apr", {"dim": 18}, "multiple of 4"),
    ],
)
def test_unfit_sizes_are_refused(name: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small_map_model(name, **changes)
