"""TensorFlow variables of EMET and SeqPAN -> state of our modules."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from emtm.parity.building import linear_weights

Get = Callable[[str], Tensor]
State = dict[str, Tensor]
NUM_CONV_LAYERS = 4


def shared_encoder(get: Get) -> State:
    """`encoder.*`: embeddings, projections, positions and convolution block."""
    state = {
        "encoder.embedding.words.vectors": get("word_embs/word_table"),
        "encoder.embedding.words.unknown": get("word_embs/unk"),
        "encoder.embedding.chars.table": get("char_embs/char_table"),
        "encoder.positions.table": get("pos_emb/position_embeddings"),
        **_linear("encoder.query_projection.0", get, "query_conv1d"),
        **_norm("encoder.query_projection.1", get, "q_layer_norm"),
        **_linear("encoder.video_projection.1", get, "video_conv1d"),
        **_norm("encoder.video_projection.2", get, "v_layer_norm"),
        **_conv_block("encoder.conv_block", get, "conv_block"),
    }
    for index in range(4):
        state[f"encoder.embedding.chars.convs.{index}.weight"] = get(f"char_embs/filter_{index}")[0].permute(2, 1, 0)
        state[f"encoder.embedding.chars.convs.{index}.bias"] = get(f"char_embs/bias_{index}")
    return state


def span_head(get: Get, *, teacher: bool) -> State:
    """`head.*` of the student, or of the isomorphic teacher (`t0` variables)."""
    mine, scope = ("t0_", "t0_") if teacher else ("", "studen_")
    label = "t0_label_emb" if teacher else "student_label_emb"
    predictor = f"{mine}predictor"
    return {
        **_context_query("head.query_to_video", get, f"{scope}q2v_attn"),
        **_context_query("head.video_to_query", get, f"{scope}v2q_attn"),
        "head.concat.pool": get(f"{scope}cq_cat/weighted_pooling/weight"),
        **_linear("head.concat.out", get, f"{scope}cq_cat/dense"),
        **_linear("head.match.classify", get, f"{mine}match_loss/dense"),
        "head.match.labels": get(label),
        **_feature_encoder("head.predictor.encoder", get, f"{predictor}/feature_encoder"),
        **_norm("head.predictor.start_norm", get, f"{predictor}/start_layer_norm"),
        **_norm("head.predictor.end_norm", get, f"{predictor}/end_layer_norm"),
        **_linear("head.predictor.start_hidden", get, f"{predictor}/start_hidden"),
        **_linear("head.predictor.end_hidden", get, f"{predictor}/end_hidden"),
        **_linear("head.predictor.start_out", get, f"{predictor}/start_dense"),
        **_linear("head.predictor.end_out", get, f"{predictor}/end_dense"),
    }


def dual_attention(get: Get, layers: int = 2) -> State:
    """`dual_attention.*` of SeqPAN."""
    state: State = {}
    for index in range(layers):
        ours, theirs = f"dual_attention.blocks.{index}", f"t0_d_attn_{index}"
        inner = f"{theirs}/dual_multihead_attention"
        state |= _norm(f"{ours}.norm_from", get, f"{theirs}/layer_norm_1")
        state |= _norm(f"{ours}.norm_to", get, f"{theirs}/layer_norm_t")
        state |= _norm(f"{ours}.norm_2", get, f"{theirs}/layer_norm_2")
        state |= _linear(f"{ours}.out_1", get, f"{theirs}/dense_1")
        state |= _linear(f"{ours}.out_2", get, f"{theirs}/dense_2")
        for our, their in _DUAL_LINEARS.items():
            state |= _linear(f"{ours}.{our}", get, f"{inner}/{their}")
        for our, their in (("score", "bilinear_1"), ("value", "bilinear_2")):
            x, y, bias = (get(f"{inner}/{their}/{name}") for name in ("dense_1/kernel", "dense_2/kernel", "bias"))
            state |= linear_weights(f"{ours}.{our}.x", x, bias)
            state |= linear_weights(f"{ours}.{our}.y", y, None)
    return state


_DUAL_LINEARS = {
    "query": "query",
    "self_key": "f_key",
    "self_value": "f_value",
    "cross_key": "t_key",
    "cross_value": "t_value",
    "self_out": "s_dense",
    "cross_out": "x_dense",
    "self_gate": "s_gate",
    "cross_gate": "x_gate",
    "guided": "guided_dense",
}


def aggregation(get: Get, num_teachers: int, prefix: str) -> State:
    """The aggregation unit (`ens_*` variables), below `prefix`."""
    state = _linear(f"{prefix}hidden", get, "dense")
    for index in range(3):
        scope = f"ens_conv{index}"
        state[f"{prefix}convolution.convs.{index}.weight"] = get(f"{scope}/kernel").permute(2, 1, 0)
        state[f"{prefix}convolution.convs.{index}.bias"] = get(f"{scope}/bias").flatten()
        state |= _batch_norm(f"{prefix}norms.{index}", get, scope, index)
    state |= _linear(f"{prefix}gate", get, "ens_conv3")
    state |= _batch_norm(f"{prefix}gate_norm", get, "ens_conv3", 3)
    for index in range(num_teachers):
        state |= _linear(f"{prefix}teachers.{index}", get, f"ens_fc{index}")
    return state


def training_graph(get: Get, num_teachers: int) -> State:
    """All of EMTM as it trains: the student, the isomorphic teacher and the aggregation unit."""
    isomorphic = {**dual_attention(get), **span_head(get, teacher=True)}
    return {
        **shared_encoder(get),
        **span_head(get, teacher=False),
        **{f"isomorphic.{name}": value for name, value in isomorphic.items()},
        **aggregation(get, num_teachers, "aggregation."),
    }


def _batch_norm(ours: str, get: Get, scope: str, index: int) -> State:
    theirs = f"{scope}/batch_normalization" + (f"_{index}" if index else "")
    return {
        f"{ours}.gamma": get(f"{theirs}/gamma"),
        f"{ours}.beta": get(f"{theirs}/beta"),
        f"{ours}.mean": get(f"{theirs}/moving_mean"),
        f"{ours}.variance": get(f"{theirs}/moving_variance"),
    }


def _linear(ours: str, get: Get, theirs: str) -> State:
    return linear_weights(ours, get(f"{theirs}/kernel"), get(f"{theirs}/bias"))


def _norm(ours: str, get: Get, theirs: str) -> State:
    return {
        f"{ours}.weight": get(f"{theirs}/layer_norm_scale"),
        f"{ours}.bias": get(f"{theirs}/layer_norm_bias"),
    }


def _conv_block(ours: str, get: Get, theirs: str) -> State:
    state: State = {}
    for index in range(NUM_CONV_LAYERS):
        layer = f"{theirs}/depthwise_conv_layers_{index}"
        state |= _norm(f"{ours}.norms.{index}", get, f"{theirs}/layer_norm_{index}")
        state[f"{ours}.convs.{index}.depthwise"] = get(f"{layer}/depthwise_filter").permute(2, 3, 0, 1)[..., 0]
        kernel, bias = get(f"{layer}/pointwise_filter"), get(f"{layer}/bias")
        state |= linear_weights(f"{ours}.convs.{index}.pointwise", kernel, bias)
    return state


def _feature_encoder(ours: str, get: Get, theirs: str) -> State:
    attention = f"{theirs}/multihead_attention_block"
    state = {
        f"{ours}.positions.table": get(f"{theirs}/pos_emb/position_embeddings"),
        **_conv_block(f"{ours}.conv_block", get, f"{theirs}/conv_block"),
        **_norm(f"{ours}.attention.norm_1", get, f"{attention}/layer_norm_1"),
        **_norm(f"{ours}.attention.norm_2", get, f"{attention}/layer_norm_2"),
        **_linear(f"{ours}.attention.out", get, f"{attention}/dense"),
    }
    for name in ("query", "key", "value"):
        state |= _linear(f"{ours}.attention.{name}", get, f"{attention}/top_self_attention/{name}")
    return state


def _context_query(ours: str, get: Get, theirs: str) -> State:
    trilinear = f"{theirs}/efficient_trilinear"
    return {
        f"{ours}.weight_x": get(f"{trilinear}/linear_kernel4arg0"),
        f"{ours}.weight_y": get(f"{trilinear}/linear_kernel4arg1"),
        f"{ours}.weight_xy": get(f"{trilinear}/linear_kernel4mul"),
        **linear_weights(f"{ours}.out", get(f"{theirs}/dense/kernel"), None),
    }
