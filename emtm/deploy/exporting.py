"""From a run directory to files that run without torch, checked against the checkpoint before they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from emtm import __version__
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.card import KEY, Card, Parity
from emtm.deploy.graph import ANSWERS, Graphs, UnsupportedError, graphs, random_batch, tensors
from emtm.deploy.grounder import ENCODE, GROUND, open_session, run
from emtm.errors import UserError
from emtm.files import replacing_together
from emtm.processes import reserved
from emtm.registry import config_hash
from emtm.training.evaluation import resampling_of
from emtm.training.runs import Run, load_run

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

TOLERANCE = 1e-5
"""Of probabilities and scores, and of times as a share of the video's length."""
FEWEST_EQUAL = 0.5
"""Share of moments that must have the same times: of equally good ones another last bit may choose another."""
BATCHES = 12


@dataclass(frozen=True, slots=True)
class Exported:
    """Files that were written, and what they hold."""

    paths: tuple[Path, ...]
    card: Card


def export_onnx(
    run_path: Path,
    out: Path,
    *,
    top_k: int = 5,
    cached_videos: bool = False,
    progress: Callable[[str], object] = lambda step: None,
) -> Exported:
    """Writes the best weights of a run as ONNX; with `cached_videos` also its two steps beside it.

    Raises:
        UserError: the run cannot be read, the model has a part that ONNX cannot hold, the files differ from the
            checkpoint, another process is about to write them, or the extra `onnx` is not installed.
    """
    if out.suffix != ".onnx":
        raise UserError(f"the file's name must end in .onnx, not {out.name}")
    if not out.resolve().parent.is_dir():
        raise UserError(f"cannot write {out}: there is no folder {out.resolve().parent}")
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"exporting needs the extra onnx ({error.name} is missing): pip install 'emtm-bench[onnx]'"
        ) from None
    with reserved(out):
        return _export(run_path, out, top_k, cached_videos, progress)


def _export(run_path: Path, out: Path, top_k: int, cached_videos: bool, progress: Callable[[str], object]) -> Exported:
    trained = load_run(run_path)
    model = trained.model.eval()
    if model.unexportable:
        raise UserError(f"{trained.name} cannot be exported: {model.unexportable}")
    if cached_videos and not model.separable:
        raise UserError(
            f"{trained.name} encodes a video together with its query: it cannot be exported with --cached-videos"
        )
    progress("tracing the model")
    try:
        made = graphs(model, top_k, steps=cached_videos)
    except UnsupportedError as error:
        raise UserError(f"{trained.name} cannot be exported: {error}") from None
    progress("comparing with the checkpoint")
    card = _card(trained, top_k, check(model, made, top_k))
    parts = {out: (made.whole, "whole")}
    if made.encode is not None and made.ground is not None:
        parts |= {out.with_suffix(ENCODE): (made.encode, "encode"), out.with_suffix(GROUND): (made.ground, "ground")}
    with replacing_together(list(parts)) as partials:
        for partial, (graph, part) in zip(partials, parts.values(), strict=True):
            partial.write_bytes(_described(graph, replace(card, part=part)))
    return Exported(tuple(parts), card)


def check(model: AnyModel, made: Graphs, top_k: int) -> Parity:
    """Compares the graphs with the model over random batches, from one clip and one word to the most.

    Raises UserError where they fail, or differ by more than `TOLERANCE`.
    """
    whole = open_session(made.whole)
    steps = (
        None if made.encode is None or made.ground is None else (open_session(made.encode), open_session(made.ground))
    )
    spans, scores, equal = [0.0], [0.0], list[bool]()
    for clips, words in _lengths(model):
        batch = random_batch(model, clips, words, seed=len(clips) + max(clips) + max(words))
        given = {name: value.numpy() for name, value in tensors(batch).items()}
        answers = [_run(whole, ANSWERS, given)]
        if steps is not None:
            names = [output.name for output in steps[0].get_outputs()]
            encoded = dict(zip(names, _run(steps[0], names, given), strict=True))
            answers.append(_run(steps[1], ANSWERS, encoded | given))
        expected = _expected(model, batch, top_k)
        for found in answers:
            for name, ours, theirs in zip(ANSWERS, found, expected, strict=True):
                if ours.shape != theirs.shape:
                    raise UserError(f"the exported {name} has the shape {ours.shape}, not {theirs.shape}")
                if name == "distribution":
                    spans.append(float(np.abs(ours - theirs).max()))
                    continue
                scores.append(float(np.abs(ours[..., 2] - theirs[..., 2]).max()))
                apart = np.abs(ours[..., :2] - theirs[..., :2]).max(2) / batch.duration_s.numpy()[:, None]
                equal += (apart <= TOLERANCE).ravel().tolist()
    worst, share = max(*spans, *scores), sum(equal) / len(equal)
    if not worst <= TOLERANCE or share < FEWEST_EQUAL:
        raise UserError(
            f"the exported file would differ from the checkpoint: by {worst:.2g} in probability or score "
            f"({TOLERANCE:.0e} is allowed), and {share:.0%} of its moments are the same; it was not written"
        )
    return Parity(batches=BATCHES, distribution_max_abs=max(spans), scores_max_abs=max(scores), equal_moments=share)


@torch.inference_mode()
def _expected(model: AnyModel, batch: Batch, top_k: int) -> list[npt.NDArray[Any]]:
    output = model(batch)
    several = [model.moments(output, batch.duration_s, k) for k in (1, top_k)]
    return [tensor.numpy() for tensor in (*several, model.span_distribution(output))]


def _lengths(model: AnyModel) -> list[tuple[list[int], list[int]]]:
    """Clips and words of the samples of every batch: alone and together, padded and not, from one to the most."""
    config, lot = model.config, np.random.default_rng(0)
    most = (config.max_clips, config.max_words)
    ends = [([1], [1]), ([most[0]], [most[1]]), ([most[0], 1], [1, most[1]]), ([most[0]] * 2, [most[1]] * 2)]
    drawn = [
        tuple(lot.integers(1, limit + 1, size).tolist() for limit in most) for size in range(1, BATCHES - len(ends) + 1)
    ]
    return [*ends, *((clips, words) for clips, words in drawn)]


def _run(opened: InferenceSession, names: Sequence[str], given: dict[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    try:
        return run(opened, names, given)
    except Exception as error:  # onnxruntime's own errors share no other base
        raise UserError(
            f"the exported model fails where the checkpoint does not: {str(error).splitlines()[0]}"
        ) from None


def _card(run: Run, top_k: int, parity: Parity) -> Card:
    config = run.config
    return Card(
        part="whole",
        model=run.name,
        config_hash=config_hash(run.name, config),
        weights_sha256=run.weights_sha256,
        dataset=run.dataset,
        emtm_version=__version__,
        feature_width=config.feature_dim,
        max_clips=config.max_clips,
        max_words=config.max_words,
        resampling=resampling_of(config),
        pad_to_max=config.official,
        top_k=top_k,
        words=run.vocabulary.words,
        chars=run.vocabulary.chars,
        parity=parity,
    )


def _described(graph: bytes, card: Card) -> bytes:
    import onnx

    proto = onnx.load_from_string(graph)
    onnx.helper.set_model_props(proto, {KEY: card.to_json()})
    proto.producer_name, proto.producer_version = "emtm", __version__
    return bytes(proto.SerializeToString())
