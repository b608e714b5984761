"""A case and its blocks, as they are written to run files and read from them.

One class a block of the result schema; names, units and order are those of the file. Fields of the type
`X | Missing` may be without a value; those that default to ABSENT need not stand in a file at all.
"""

from bench.record.case import CaseRecord, Status
from bench.record.counted import (
    Compute,
    Coverage,
    Crosscheck,
    Dispatch,
    Params,
    StageCost,
    TrainingCompute,
    UncountedOp,
)
from bench.record.machine import Bound, Energy, Memory, Roof, Roofline
from bench.record.quality import GroupAccuracy, Percent, Quality, QualityIntervals, QueryScores
from bench.record.subject import ExecutionRecord, Model, Provenance, Role, Scenario, TeacherRecord, Video, Workload
from bench.record.sweeps import Exponent, Growth, GrowthPoint, Reuse, ReusePoint, Throughput, ThroughputPoint
from bench.record.timed import ColdStart, Interval, Latency, Noise, Reference, Repeats
from bench.record.whole import Backbone, EndToEnd, EvaluationCost, PassStage, Training

__all__ = [
    "Backbone",
    "Bound",
    "CaseRecord",
    "ColdStart",
    "Compute",
    "Coverage",
    "Crosscheck",
    "Dispatch",
    "EndToEnd",
    "Energy",
    "EvaluationCost",
    "ExecutionRecord",
    "Exponent",
    "GroupAccuracy",
    "Growth",
    "GrowthPoint",
    "Interval",
    "Latency",
    "Memory",
    "Model",
    "Noise",
    "Params",
    "PassStage",
    "Percent",
    "Provenance",
    "Quality",
    "QualityIntervals",
    "QueryScores",
    "Reference",
    "Repeats",
    "Reuse",
    "ReusePoint",
    "Role",
    "Roof",
    "Roofline",
    "Scenario",
    "StageCost",
    "Status",
    "TeacherRecord",
    "Throughput",
    "ThroughputPoint",
    "Training",
    "TrainingCompute",
    "UncountedOp",
    "Video",
    "Workload",
]
