"""The toy in the place of every model that the harness builds."""

from __future__ import annotations

import pytest

from bench.subjects import Shape
from emtm.contract import ModelConfig
from tests.bench.toy import Toy, toy


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases of any model are measured on the toy."""

    def build(name: str, config: ModelConfig, shape: Shape) -> Toy:
        return toy(config)

    monkeypatch.setattr("bench.workbench.build_model", build)
    monkeypatch.setattr("bench.static.build_model", build)
