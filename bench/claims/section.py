"""The suite's claims in a report, judged by the files that it is made of."""

from __future__ import annotations

import shlex

from bench.claims.claim import packaged_claims
from bench.claims.evidence import Evidence
from bench.claims.judging import Verdict, judge
from bench.claims.tables import claim_tables
from bench.report.content.content import Content
from bench.report.quantity import plural
from bench.report.sections.audit import FILE
from bench.report.sections.section import Section


def section(content: Content) -> Section:
    """The suite's claims of which the files of this report decide something; nothing where they decide none."""
    key, title, evidence = "claims", "What is claimed, judged by these files", _evidence(content)
    judged = judge(packaged_claims(), evidence)
    decided = [one for one in judged if one.verdict is not Verdict.NOT_MEASURED]
    if not decided:
        return Section(key=key, title=title)
    open_ones = [one.claim.id for one in judged if one.verdict is Verdict.NOT_MEASURED]
    return Section(
        key=key,
        title=title,
        tables=tuple(claim_tables(decided)),
        opened=1,
        limits=(
            (f"{plural(len(open_ones), 'claim')} cannot be judged by these files: {', '.join(open_ones)}.",)
            if open_ones
            else ()
        ),
        commands=(f"python -m bench.report claims {shlex.join(evidence.files())}",),
    )


def _evidence(content: Content) -> Evidence:
    return Evidence(
        runs=tuple(zip(content.names, content.runs, strict=True)),
        studies=() if content.study is None else (content.study,),
        audits=() if content.audit is None else ((FILE, content.audit),),
    )
