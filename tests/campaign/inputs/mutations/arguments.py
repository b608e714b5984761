"""Command lines: values that options do not take, options that there are not, or that are left out."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation

ODD = (
    *(
        "",
        " ",
        "x",
        "-1",
        "0",
        "1",
        "1.5",
        "1e999",
        "nan",
        "inf",
        "-inf",
        "9" * 400,
        "a" * 5000,
        "é",
        "\udce9",
        "\u0663",
    ),
    *(
        "null",
        "none",
        "true",
        "[",
        "{a: 1}",
        "!!python/object:os.system",
        "&a *a",
        "%s",
        "{0}",
        "--",
        "-",
        "=",
        "a=",
        "=b",
    ),
    *(
        ",",
        ",,",
        "a,a",
        "a,b",
        "a\nb",
        "a\tb",
        "$(x)",
        "0x10",
        "1_000",
        "+1",
        "1.",
        " 1",
        "*",
        "?",
        "~",
        "%00",
        ".",
        "..x",
    ),
    *("9223372036854775808", "4294967296", "1e308", "1e-308", "cuda", "cuda:99", "cpu:1", "not", "(", "a and (b or"),
    *("<b>", "\x1b[31m", "nothing.json", "nothing.npz", "a/b/c", "a:b", "os:getcwd", "os:nothing", ":", "a:", ":b"),
)
"""Nothing that a command could take for a long piece of work, or for a place that is not its own."""


@st.composite
def _changed(draw: DrawFn, given: tuple[str, ...]) -> Mutation:
    words = list(given)
    kind = draw(st.sampled_from(("value", "value", "value", "dropped", "doubled", "misspelt", "more", "order")))
    place = draw(st.integers(0 if len(words) < 2 else 1, len(words) - 1)) if words else 0
    value = draw(st.sampled_from(ODD))
    if kind == "value" and words:
        words[place] = value
    elif kind == "dropped" and words:
        del words[place]
    elif kind == "doubled" and words:
        words.insert(place, words[place])
    elif kind == "misspelt" and words:
        words[place] = f"{words[place]}x"
    elif kind == "order":
        words.reverse()
    else:
        # Not --debug, which asks for a traceback.
        words.insert(place, draw(st.sampled_from(("--json", "--nothing", "-x", "--help", value))))
    return Mutation(f"arguments {kind}", repr(words)[:300], lambda path: None, tuple(words))


def arguments(given: tuple[str, ...]) -> SearchStrategy[Mutation]:
    """A command line with a change."""
    return _changed(given)
