"""EMTM's published code, EMET: its student trained alone, SeqPAN, and the whole of EMTM as it trains."""

from __future__ import annotations

from torch import Tensor

from bench.peers.peer import WORKERS, Get, Peer, Variant
from bench.subjects import TEACHERS
from emtm.parity import tensorflow_names as names
from emtm.processor import ALLOCATOR

_OF_THE_STUDENT = (("studen_", ""), ("student_label_emb", "label_emb"), ("match_loss/", "matching_loss/"))
_OF_SEQPAN = (("t0_match_loss/", "matching_loss/"), ("t0_", ""))


def state(model: str, get: Get) -> dict[str, Tensor]:
    """The state of our model, from the variables of the class that stands for it."""
    if model == "emtm":
        return names.training_graph(get, TEACHERS)
    if model == "seqpan":
        there = _renamed(get, _OF_SEQPAN)
        return {
            **names.shared_encoder(there),
            **names.dual_attention(there),
            **names.span_head(there, teacher=True),
        }
    there = _renamed(get, _OF_THE_STUDENT)
    return {**names.shared_encoder(there), **names.span_head(there, teacher=False)}


def _renamed(get: Get, pairs: tuple[tuple[str, str], ...]) -> Get:
    """A branch of EMTM's graph by the names that the class of that branch alone gives."""

    def there(name: str) -> Tensor:
        for ours, theirs in pairs:
            if name.startswith(ours):
                return get(theirs + name.removeprefix(ours))
        return get(name)

    return there


EMET = Peer(
    name="emet",
    title="EMTM's published code",
    repository="renjie-liang/EMET",
    commit="fc99f61c5dd558ee7d96ccf74f7d51d80abbb2c3",
    files={
        "models/BaseFast.py": "c5d818ac0a757a4409742df36346aa666a9342edfa341d944e8274f1ca9bcd20",
        "models/SeqPAN.py": "59c0f476af990b0ca627546ec24376ea46e946ce64f8b5984926deb629161c41",
        "models/MultiTeacherEnsemble.py": "94fcec9d83703c979dfdc29df5947ccefa45873ad646a74d7821256761162346",
        "models/layers.py": "c26a6f05edf3826d8ef198414432d047581493836f96dc4b11980166e22e79b1",
        "models/lossfunc.py": "57863502ac44a85bc6e9d8fee1ce383134c2df5845a575ebb0036f6a627e1e33",
        "models/modules.py": "fc075f270e0bd531ed30d03da6503aa2859051c940949dfec0c8ebe66c4ef486",
        "models/ops.py": "988d3e4484d0f16b4c27896d2d6e4cfda95ea7a288454a6c8202cce3f6fca713",
    },
    worker=WORKERS / "emet.py",
    needs="TensorFlow 2.12 to 2.15",
    state=state,
    variants=(
        Variant(
            "peer, tuned",
            "the same with TF_ENABLE_ONEDNN_OPTS=0 and the allocator's limits that our processes have",
            {"TF_ENABLE_ONEDNN_OPTS": "0", **ALLOCATOR},
        ),
    ),
)
