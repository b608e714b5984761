"""A process that grounds one query and ends: `python -m bench.first_answer SPEC.json` prints when each step was done.

Nothing is imported here that the process which answers would not import.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def main(spec: Mapping[str, Any]) -> dict[str, float]:
    """Seconds on the system's monotonic clock at the end of each step."""
    ends = {"start": time.monotonic()}

    import torch
    from safetensors.torch import load_file

    from bench.subjects import Shape, build_model, make_batch
    from emtm.registry import model_class

    kind = model_class(spec["model"])
    ends["import"] = time.monotonic()

    torch.set_num_threads(spec["threads"])
    shape = Shape(**spec["shape"])
    model = build_model(spec["model"], kind.config_class(**spec["config"]), shape)
    ends["build"] = time.monotonic()

    model.load_state_dict(load_file(spec["weights"]))
    model.to(spec["device"])
    ends["load"] = time.monotonic()

    batch = make_batch(shape, spec["config"]["feature_dim"], 1).to(spec["device"])
    ends["inputs"] = time.monotonic()
    with torch.inference_mode():
        model.moments(model(batch), batch.duration_s, 1).cpu()
    ends["first_call"] = time.monotonic()
    return ends


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text("utf-8")))))
