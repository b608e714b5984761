"""What a training step of EMTM takes beside the student's, counted, as the page on distillation says."""

from __future__ import annotations

from pathlib import Path

from bench.cases import paper_shape
from bench.training_step import step_of_model
from emtm.registry import override, preset

PAGE = Path(__file__).resolve().parents[2] / "docs" / "distillation.md"


def step_macs(model: str, dataset: str, *settings: str) -> int:
    config = override(preset(model, dataset).config, list(settings))
    found = step_of_model(model, dataset, config, paper_shape(dataset, config))
    return found.forward_macs + found.backward_macs


def test_the_floor_of_a_step_is_the_isomorphic_teacher() -> None:
    ratios, alone = [], []
    for dataset in ("charades-sta", "activitynet-captions", "tacos"):
        student = step_macs("emtm-student", dataset)
        ratios.append(f"{step_macs('emtm', dataset) / student:.2f}")
        alone.append(f"{step_macs('emtm', dataset, 'isomorphic_weight=0') / student:.2f}")
    said = " ".join(PAGE.read_text("utf-8").split())
    assert f"Counted, it is {ratios[0]}, {ratios[1]} and {ratios[2]} times" in said, ratios
    assert len(set(alone)) == 1 and f"without the isomorphic teacher {alone[0]} times at each" in said, alone
