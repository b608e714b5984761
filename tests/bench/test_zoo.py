"""Every animal of the zoo is counted to the unit, or what of it cannot be is named."""

from __future__ import annotations

import pytest
import torch

from bench.instruments import flops
from bench.missing import Missing
from bench.specimen import Specimen
from bench.static import analyse_module
from tests.bench.zoo import ZOO, Animal

pytestmark = pytest.mark.filterwarnings("ignore")  # Quantisation, scripting and nested tensors warn of their ends.


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_counted_or_named(animal: Animal) -> None:
    torch.manual_seed(0)
    found = analyse_module(animal.module(), animal.inputs())
    assert not isinstance(found.compute, Missing)
    assert found.compute.macs == animal.macs
    assert tuple(op.op for op in found.compute.coverage.ops_uncounted) == animal.uncounted
    answer = found.crosscheck
    if not isinstance(answer.fvcore_macs, Missing):
        assert answer.fvcore_norm_flops == 0
        assert answer.explained_macs is not None and not isinstance(answer.explained_macs, Missing)
        assert answer.fvcore_macs + sum(answer.explained_macs.values()) + answer.unexplained_macs == animal.macs  # type: ignore[operator]


def test_the_zoo_is_large() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO) >= 60


_OWN_GRADIENTS = {"gradients in the forward pass"}


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
def test_as_a_user_runs_it(animal: Animal) -> None:
    """The plain mode sees the same products, fused or not."""
    torch.manual_seed(0)
    given = Specimen(animal.module(), animal.inputs())
    if given.unmade:
        given.fresh()()
    mode = flops.canonical_with_gradients if animal.name in _OWN_GRADIENTS else flops.plain
    assert flops.summarise(flops.operators(given.module, given.run, {}, mode)).macs == animal.macs
