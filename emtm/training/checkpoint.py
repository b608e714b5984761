"""Weights on the disk while a run is trained: the best epoch's, and all that the next epoch needs."""

from __future__ import annotations

from collections.abc import Sequence

from emtm.errors import UserError
from emtm.training import runs
from emtm.training.history import Epoch, checked_history, write_history
from emtm.training.setup import Setup


def save_best(setup: Setup) -> None:
    """Write the weights that predictions need, and apart from them the training-only branches."""
    kept = setup.model.inference_state()
    runs.write_tensors(setup.out / runs.BEST, kept)
    branches = {name: value for name, value in setup.model.state_dict().items() if name not in kept}
    if branches:
        runs.write_tensors(setup.out / runs.BRANCHES, branches)


def save_last(setup: Setup, history: Sequence[Epoch]) -> None:
    """Write weights, optimiser and history after a whole epoch."""
    tensors = {f"model.{name}": value for name, value in setup.model.state_dict().items()}
    for index, state in setup.optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in state.items()})
    runs.write_tensors(setup.out / runs.LAST, tensors, {"history": history})
    write_history(setup.out, history)


def restore(setup: Setup) -> list[Epoch]:
    """Give model and optimiser the state of the last whole epoch; the history up to it, empty if there is none.

    Raises:
        UserError: the checkpoint cannot be read, or does not fit the run.
    """
    if not (setup.out / runs.LAST).exists():
        return []
    tensors, state = runs.read_tensors(setup.out / runs.LAST)
    optimizer = setup.optimizer.state_dict()
    model = {}
    try:
        for key, value in tensors.items():
            kind, _, name = key.partition(".")
            if kind == "model":
                model[name] = value
            else:
                index, _, name = name.partition(".")
                optimizer["state"].setdefault(int(index), {})[name] = value
        known = {index for group in optimizer["param_groups"] for index in group["params"]}
        if not known >= optimizer["state"].keys():
            raise ValueError("a state of no weight")
        setup.model.load_state_dict(model)
        setup.optimizer.load_state_dict(optimizer)
        return checked_history(state["history"])
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise UserError(f"checkpoint {setup.out / runs.LAST} is damaged or of another run") from error
