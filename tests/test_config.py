"""Settings take what their annotations say, made in Python or read from text: all models', and the recipe's."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emtm.config import check_fields, fits, takes
from emtm.contract import ModelConfig, Recipe
from emtm.errors import UserError
from emtm.registry import config_hash, model_class, model_names, override, preset

CONFIGS: dict[str, ModelConfig | Recipe] = {
    **{name: model_class(name).presets["compact"].config for name in model_names()},
    "recipe": Recipe(),
}
OBJECTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["mean", "none", "adam", "many", b"1", datetime.date(2024, 1, 1), {}, {"a": 1}, object(), [[1]]]),
    st.lists(st.integers(0, 9) | st.text(max_size=2) | st.floats() | st.none(), max_size=3),
    st.tuples(st.integers(-1, 9), st.integers(0, 9)),
)
WORDS = st.one_of(
    st.text(max_size=8),
    st.text(alphabet="[]{}:,-&*!|>'\"#%@`~?. 01eE_xnulatrfs", max_size=10),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", "null", "~", "true", "off", ".nan", ".inf", "nan", "-inf", "1e3", "1e999", "[1, 2]", "[[", "*a"]
    ),
    st.sampled_from(
        ["2024-01-01", "!!int x", "0x10", "010", "1:30", "'1'", "mean", "none", "max", "{a: 1}", "&a [*a]"]
    ),
)
NEVER = ["[", "", "[1, x]", "{a: 1}", "nowhere", "2024-01-01", "1:30", "- ", "*a", "\t", "!!python/none"]
"""Texts that no setting of numbers or named choices takes."""
REFUSED: dict[str, list[str]] = {
    "int": [*NEVER, "1.5", "1e3", "true", "null", "nan", ".inf", "0x10", "[1]"],
    "float": [*NEVER, "true", "null", "nan", "NaN", "inf", "-inf", ".inf", ".nan", "1e999", "[1.0]"],
    "bool": [*NEVER, "0", "1", "2", "null", "[true]"],
    "choice": [*NEVER, "0", "null", "true", "[mean]"],
    "tuple": ["[", "", "nowhere", "5", "null", "[1.5]", "[1, x]", "[null]", "[[1]]", "{}", "[true]", "2024-01-01"],
}


def kind(hint: Any) -> tuple[str, bool]:
    """What a field of ours takes, of the keys of `REFUSED`, and whether it may be None."""
    parts = [part for part in get_args(hint) if part is not type(None)]
    if type(None) in get_args(hint):
        return kind(parts[0])[0], True
    if get_origin(hint) is Literal:
        return "choice", False
    if get_origin(hint) is tuple:
        assert parts == [int, ...]
        return "tuple", False
    return hint.__name__, False


def is_right(value: object, hint: Any) -> bool:
    """Said apart from the code under test: whether a field of ours may hold a value."""
    what, optional = kind(hint)
    if value is None:
        return optional
    if what == "choice":
        return isinstance(value, str) and value in get_args(hint)
    if what == "tuple":
        return type(value) is tuple and all(type(item) is int and item >= 0 for item in value)
    if what == "float":
        return type(value) in (int, float) and value >= 0 and math.isfinite(value)  # type: ignore[operator, arg-type]
    return type(value) is (bool if what == "bool" else int)


def sentence(error: BaseException) -> str:
    """The message, which is one line."""
    text = str(error)
    assert text and "\n" not in text
    return text


@pytest.mark.parametrize("name", CONFIGS)
def test_every_annotation_is_known(name: str) -> None:
    for hint in get_type_hints(type(CONFIGS[name])).values():
        assert kind(hint)[0] in REFUSED


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=150)
@given(data=st.data(), value=OBJECTS)
def test_a_value_made_in_python_is_right_or_refused(name: str, data: st.DataObject, value: object) -> None:
    config = CONFIGS[name]
    key = data.draw(st.sampled_from(sorted(f.name for f in dataclasses.fields(config))))
    hint = get_type_hints(type(config))[key]
    try:
        changed = dataclasses.replace(config, **{key: value})  # type: ignore[arg-type]
    except ValueError as error:
        message = sentence(error)
        as_tuple = tuple(value) if isinstance(value, list) else value
        if not is_right(as_tuple, hint):
            assert message.startswith(f"{key} ")
    else:
        assert is_right(getattr(changed, key), hint)


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=150)
@given(data=st.data(), text=WORDS)
def test_a_value_read_from_text_is_right_or_refused(name: str, data: st.DataObject, text: str) -> None:
    config = CONFIGS[name]
    key = data.draw(st.sampled_from(sorted(f.name for f in dataclasses.fields(config))))
    try:
        changed = override(config, [f"{key}={text}"])
    except UserError as error:
        sentence(error)
    else:
        assert is_right(getattr(changed, key), get_type_hints(type(config))[key])


@pytest.mark.parametrize("name", CONFIGS)
def test_texts_of_other_kinds_are_refused_for_every_field(name: str) -> None:
    config = CONFIGS[name]
    for key, hint in get_type_hints(type(config)).items():
        what, optional = kind(hint)
        for text in REFUSED[what]:
            if not (optional and text == "null"):
                with pytest.raises(UserError, match=rf"^{key} (takes|is) "):
                    override(config, [f"{key}={text}"])


@pytest.mark.parametrize("name", CONFIGS)
def test_every_value_is_read_back_from_text(name: str) -> None:
    config = CONFIGS[name]
    for key, value in dataclasses.asdict(config).items():
        read = getattr(override(config, [f"{key}={json.dumps(value)}"]), key)
        assert read == value
        assert fits(read, get_type_hints(type(config))[key])


@pytest.mark.parametrize("name", model_names())
def test_every_preset_survives_json(name: str) -> None:
    for chosen in model_class(name).presets.values():
        for config in (chosen.config, chosen.recipe):
            again = type(config)(**json.loads(json.dumps(dataclasses.asdict(config))))
            assert again == config
            assert config_hash(name, again) == config_hash(name, config)
            assert hash(again) == hash(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": "many"}, "epochs takes a whole number, not 'many'"),
        ({"epochs": True}, "epochs takes a whole number, not True"),
        ({"epochs": 1.0}, "epochs takes a whole number, not 1.0"),
        ({"epochs": None}, "epochs takes a whole number, not None"),
        ({"epochs": 2**63}, "epochs is less than 9223372036854775808, not 9223372036854775808"),
        ({"patience": "abc"}, "patience takes a whole number or null, not 'abc'"),
        ({"patience": 0}, "patience is at least 1, not 0"),
        ({"learning_rate": math.nan}, "learning_rate takes a finite number, not nan"),
        ({"learning_rate": -math.inf}, "learning_rate takes a finite number, not -inf"),
        ({"learning_rate": False}, "learning_rate takes a finite number, not False"),
        ({"weight_decay": -1}, "weight_decay is at least 0, not -1"),
        ({"optimizer": "sgd"}, "optimizer is one of 'bert-adam', 'adamw', 'adam', not 'sgd'"),
        ({"optimizer": ["adam"]}, "optimizer is one of 'bert-adam', 'adamw', 'adam', not ['adam']"),
    ],
)
def test_sentences(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refused:
        Recipe(**changes)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("patience=abc", "patience takes a whole number or null, not 'abc'"),
        ("epochs=1e3", "epochs takes a whole number, not '1e3'"),
        ("epochs=", "epochs takes a whole number, not ''"),
        ("epochs=null", "epochs takes a whole number, not 'null'"),
        ("learning_rate=nan", "learning_rate takes a finite number, not nan"),
        ("epochs=" + "[" * 1200, f"epochs takes a whole number, not '{'[' * 1200}'"),
        ("epochs=[\n", "epochs takes a whole number, not '[\\n'"),
        ("schedule=[", "schedule is one of 'epoch-linear', 'step-linear', 'inverse-sqrt', 'constant', not '['"),
        ("warmup_epochs=-1", "warmup_epochs is at least 0, not -1"),
        ("epoch=3", "unknown setting 'epoch': did you mean 'epochs'?"),
    ],
)
def test_sentences_about_text(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        override(Recipe(), [assignment])
    assert str(refused.value) == message


def test_an_integer_passes_for_a_float() -> None:
    assert Recipe(weight_decay=0).weight_decay == 0
    rate = override(Recipe(), ["learning_rate=1"]).learning_rate
    assert (rate, type(rate)) == (1.0, float)
    assert override(Recipe(), ["learning_rate=1e-3", "patience=~"]) == Recipe(learning_rate=1e-3)
    assert override(Recipe(), ["epochs=010", "patience='7'"]) == Recipe(epochs=10, patience=7)


def test_lists_become_tuples() -> None:
    config = preset("tan2d", "charades-sta").config
    assert override(config, ["pooling_counts=[15]", "official=yes"]) == dataclasses.replace(config, official=True)
    with pytest.raises(
        UserError, match=r"^pooling_counts takes a list of which each item is a whole number, not '15'$"
    ):
        override(config, ["pooling_counts=15"])
    with pytest.raises(UserError, match=r"^pooling_counts is at least 0, not -1$"):
        override(config, ["pooling_counts=[15, -1]"])


@dataclass(frozen=True)
class Rich:
    """Annotations that a plug-in may have and no model of ours has."""

    title: str = "x"
    name: str | None = None
    mode: Literal["a", 2] | None = "a"
    pair: tuple[int, str] = (1, "b")
    window: float | tuple[float, float] = 1.0
    stages: dict[str, int] = field(default_factory=dict)
    anything: Any = None

    def __post_init__(self) -> None:
        check_fields(self)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("title=null", "null"),
        ("title=2024-01-01", "2024-01-01"),
        ("name=null", None),
        ("name=door", "door"),
        ("mode=2", 2),
        ("mode=~", None),
        ("pair=[3, 4]", (3, "4")),
        ("window=2", 2.0),
        ("window=[0, 1.5]", (0.0, 1.5)),
    ],
)
def test_other_annotations(assignment: str, value: object) -> None:
    read = getattr(override(Rich(), [assignment]), assignment.partition("=")[0])
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("mode=b", "mode takes one of 'a', 2 or null, not 'b'"),
        ("pair=[1]", "pair takes a list of a whole number, text, not '[1]'"),
        ("window=[1]", "window takes a finite number or a list of a finite number, a finite number, not '[1]'"),
        ("window=[-1, 1]", "window is at least 0, not -1.0"),
        ("stages={a: 1}", "stages takes a dict, not '{a: 1}'"),
    ],
)
def test_other_annotations_refuse(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        override(Rich(), [assignment])
    assert str(refused.value) == message


def test_what_is_taken_is_named_for_every_kind() -> None:
    assert takes(bool) == "takes true or false"
    assert takes(int | None) == "takes a whole number or null"
    assert takes(Literal["a"]) == "is one of 'a'"
    with pytest.raises(ValueError, match="stages takes a dict, not 3"):
        Rich(stages=3)  # type: ignore[arg-type]
    assert Rich(anything=object()).anything
