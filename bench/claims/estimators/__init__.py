"""Estimators by the name that a claim calls them; one idea a file."""

from __future__ import annotations

from collections.abc import Mapping

from bench.claims.estimators.accuracy_gain import AccuracyGain
from bench.claims.estimators.annotated_gain import AnnotatedGain, AnnotatedReach
from bench.claims.estimators.audited import AuditedOff, AuditedRatio
from bench.claims.estimators.conventions_gap import ConventionsGap
from bench.claims.estimators.dominance import Dominance
from bench.claims.estimators.estimator import Estimator
from bench.claims.estimators.macs_ratio import MacsRatio
from bench.claims.estimators.misranked import Misranked
from bench.claims.estimators.protocol_gap import ProtocolGap
from bench.claims.estimators.rank_agreement import RankAgreement
from bench.claims.estimators.soft_gradient import SoftGradient
from bench.claims.estimators.study_gain import StudyGain

ESTIMATORS: Mapping[str, type[Estimator]] = {
    "macs-ratio": MacsRatio,
    "accuracy-gain": AccuracyGain,
    "study-gain": StudyGain,
    "annotated-gain": AnnotatedGain,
    "annotated-reach": AnnotatedReach,
    "dominance": Dominance,
    "misranked": Misranked,
    "soft-gradient": SoftGradient,
    "protocol-gap": ProtocolGap,
    "conventions-gap": ConventionsGap,
    "rank-agreement": RankAgreement,
    "audited-ratio": AuditedRatio,
    "audited-off": AuditedOff,
}
