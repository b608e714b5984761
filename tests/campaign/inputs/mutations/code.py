"""Python files that a command imports."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw

_MODULE = "import torch\nfrom torch import nn\n"
BODIES = {
    "a syntax error": "def factory(:\n",
    "an import of nothing": "import nothing_of_this_name\n",
    "an exit at import": "raise SystemExit(3)\n",
    "an error at import": "1 / 0\n",
    "recursion at import": "def f(): f()\nf()\n",
    "no factory": "x = 1\n",
    "a factory that is no function": "factory = 3\n",
    "a factory that wants arguments": "def factory(x): pass\n",
    "nothing returned": "def factory(): pass\n",
    "a module alone": f"{_MODULE}def factory(): return nn.Linear(2, 2)\n",
    "no module": "def factory(): return 1, (2,)\n",
    "inputs that do not fit": f"{_MODULE}def factory(): return nn.Linear(2, 2), (torch.zeros(3),)\n",
    "inputs of another type": f"{_MODULE}def factory(): return nn.Linear(2, 2), ('x',)\n",
    "an exit in the factory": "def factory(): raise SystemExit(0)\n",
    "an exit in the call": f"{_MODULE}class M(nn.Module):\n    def forward(self, x): raise SystemExit(0)\n"
    "def factory(): return M(), (torch.zeros(2),)\n",
    "an error in the call": f"{_MODULE}class M(nn.Module):\n    def forward(self, x): return x.nothing\n"
    "def factory(): return M(), (torch.zeros(2),)\n",
    "recursion in the call": f"{_MODULE}class M(nn.Module):\n    def forward(self, x): return self(x)\n"
    "def factory(): return M(), (torch.zeros(2),)\n",
    "no end of memory": f"{_MODULE}def factory(): return nn.Linear(2, 2), (torch.zeros(2**40),)\n",
    "a module of no input": f"{_MODULE}class M(nn.Module):\n    def forward(self): return torch.zeros(1)\n"
    "def factory(): return M(), ()\n",
    "an output that is no tensor": f"{_MODULE}class M(nn.Module):\n    def forward(self, x): return 'x'\n"
    "def factory(): return M(), (torch.zeros(2),)\n",
    "an error whose text fails": "class E(Exception):\n    def __str__(self): raise ValueError\n"
    "def factory(): raise E\n",
}


def python(content: bytes) -> SearchStrategy[Mutation]:
    """A module with a factory; it is code, and does what it says."""
    bodies = st.sampled_from(tuple(written("code", what, text.encode()) for what, text in BODIES.items()))
    return st.one_of(bodies, bodies, bodies, raw(content))
