"""Teachers' outputs as tracks over clips, against the published scripts (`labels_unify_*`)."""

from __future__ import annotations

from collections.abc import Iterator

from emtm.data.distributions import from_moment_map, official_from_spans, official_gaussian
from emtm.parity.fixture import Check, Fixture, Row


def recognise(fixture: Fixture) -> Check | None:
    """Check for this fixture, or None if it is of another kind."""
    if fixture.marked_by("gauss_unify_reset", "gauss_args", "map2d"):
        return check_unification
    return None


def check_unification(fixture: Fixture) -> Iterator[Row]:
    """Gaussians of proposals with the published sums and with sums that start anew, and marginals of maps."""
    length = fixture.size("num_clips", "L")
    proposals = fixture.ids("prop_start", "BP"), fixture.ids("prop_end", "BP"), fixture.features("prop_score", "BP")
    start, end, scores = proposals
    scores2d = fixture.features("map2d", "BLL")
    centre, clips, sigma = fixture.tensor("gauss_args", "G3").unbind(1)
    weights = official_gaussian(
        centre[:, None], clips, fixture.array("gauss_weights", "G.").shape[1], sigma.view(-1, 1, 1)
    )
    ours = {
        "gauss_weights": weights[:, 0],
        "gauss_unify_reset": official_from_spans(start, end, scores, length),
        "gauss_unify_accumulating_bug": official_from_spans(start, end, scores, length, accumulate=True),
        "map_marginal_max_l2": from_moment_map(scores2d, norm="l2"),
        "map_marginal_sum": from_moment_map(scores2d, "sum"),
    }
    for name, value in ours.items():
        yield fixture.row("unification", name, value, fixture[name])
