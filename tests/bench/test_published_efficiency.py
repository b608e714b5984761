"""Published costs are data: read with their digits, refused where they break the schema."""

import pytest

from bench.published.efficiency import Figure, published_tables, read_table
from emtm.data.benchmarks import BENCHMARKS
from emtm.registry import model_names, override, preset

GOOD = """
paper: "P"
table: "t"
read: memory
unread: []
entries:
  - model: vslnet
    label: VSLNet
    dataset: charades-sta
    figures:
      - {quantity: compute, called: FLOPs, printed: "0.0300", unit: B}
    protocol: {counter: fvcore, words: 6, chars: 6, clips: 62, why: "because"}
"""


def test_figures_keep_their_digits() -> None:
    figure = Figure(quantity="compute", called="FLOPs", printed="0.0300", unit="B")
    assert figure.value == pytest.approx(3.0e7)
    assert figure.digits(29_977_128) == "0.0300"
    assert figure.prints(29_977_128)
    assert not figure.prints(30_067_128)
    assert Figure(quantity="time", called="TE", printed="2.80", unit="ms").value == pytest.approx(2.8e-3)


def test_packaged_tables() -> None:
    tables = published_tables()
    assert [table.paper.partition(",")[0] for table in tables] == ["CCA", "EMTM"]
    entries = [entry for table in tables for entry in table.entries]
    assert {entry.model for entry in entries} <= set(model_names())
    assert {entry.dataset for entry in entries} <= set(BENCHMARKS)
    compared = {entry.label for entry in entries if entry.figure("compute")}
    assert compared == {"2D-TAN", "VSLNet", "EMB", "EAMAT", "BAN-APR", "CPL", "SeqPAN", "EMTM", "CCA"}
    for table in tables:
        assert table.read == "memory" or "/" in table.table  # a repository is named owner/name
        assert table.unread
    for entry in entries:
        assert (entry.protocol is None) == (entry.figure("compute") is None)
        if entry.protocol is not None:
            config = override(preset(entry.model, entry.dataset).config, list(entry.protocol.settings))
            assert entry.protocol.clips is None or entry.protocol.clips <= config.max_clips


@pytest.mark.parametrize(
    ("here", "there", "what"),
    [
        ('paper: "P"', "", "paper"),
        ("read: memory", "read: hearsay", "read is one of"),
        ("counter: fvcore", "counter: thop", r"t.entries\[0\].protocol: counter is one of"),
        ("clips: 62", "clips: 0", "clips is at least 1, not 0"),
        ("words: 6", "words: six", "words takes a whole number"),
        ('printed: "0.0300"', "printed: 0.0300", "printed takes text"),
        ('printed: "0.0300"', 'printed: "about 0.03"', "printed is digits"),
        ("unit: B", "unit: T", "unit is one of"),
        ("label: VSLNet", "label: VSLNet\n    batch: 1", "there is no field 'batch'"),
        ('why: "because"', "", "why"),
    ],
)
def test_what_breaks_the_schema_is_refused(here: str, there: str, what: str) -> None:
    assert here in GOOD
    with pytest.raises(ValueError, match=what):
        read_table(GOOD.replace(here, there), "t")


def test_a_good_table_is_read() -> None:
    (entry,) = read_table(GOOD, "t").entries
    assert entry.protocol is not None
    assert (entry.protocol.clips, entry.protocol.settings, entry.protocol.alphabet) == (62, (), None)
