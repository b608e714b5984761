"""Weights on the disk while a run is trained: the best epoch's, and all that the next epoch needs."""

from __future__ import annotations

from collections.abc import Sequence

from emtm.errors import UserError
from emtm.training import runs
from emtm.training.history import Epoch, checked_history, history_text
from emtm.training.setup import Setup


def save(setup: Setup, history: Sequence[Epoch], *, best: bool) -> None:
    """Write what a whole epoch leaves: weights, optimiser, history, and the weights for predictions if it is the best.

    The checkpoint that training goes on from comes last: an epoch of which not all was written is trained again.
    """
    state = setup.model.state_dict()
    files = {}
    if best:
        kept = setup.model.inference_state()
        files[runs.BEST] = runs.tensors_bytes(kept)
        if branches := {name: value for name, value in state.items() if name not in kept}:
            files[runs.BRANCHES] = runs.tensors_bytes(branches)
    tensors = {f"model.{name}": value for name, value in state.items()}
    for index, moments in setup.optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": value for name, value in moments.items()})
    files[runs.HISTORY] = history_text(history).encode()
    files[runs.LAST] = runs.tensors_bytes(tensors, {"history": history})
    runs.write_files(setup.out, files)


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
