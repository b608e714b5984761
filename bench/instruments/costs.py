"""What operators cost that multiply no matrices: tables by name, for operators of `aten` alone.

Of an operator in any other namespace nothing is known by its name. Names stand without the `_` of the form that writes
into its argument; `_foreach_X` costs what `X` does on each tensor of its list.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ELEMENTWISE: dict[str, int] = {
    **dict.fromkeys(
        _names(
            "add sub rsub mul div neg abs reciprocal relu threshold hardtanh clamp clamp_min clamp_max "
            "maximum minimum where masked_fill eq ne lt le gt ge logical_and logical_or logical_not "
            "bitwise_and bitwise_or bitwise_not sign floor ceil round trunc floor_divide remainder fmod "
            "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos pow square leaky_relu isnan isfinite "
            "isneginf isposinf nan_to_num _prelu_kernel_backward "
            "tril triu dropout bernoulli dropout_mask native_dropout _prelu_kernel nll_loss_forward nll_loss2d_forward "
            "threshold_backward hardtanh_backward leaky_relu_backward nll_loss_backward nll_loss2d_backward "
            "sgn logical_xor bitwise_xor logaddexp addr isinf signbit heaviside copysign tan frac"
        ),
        1,
    ),
    "addcmul": 2,
    "addcdiv": 2,
    "lerp": 3,
    "sigmoid": 4,
    "silu": 5,
    "tanh": 6,
    "elu": 3,
    "softplus": 4,
    "erf": 8,
    "gelu": 10,
    "hardsigmoid": 3,
    "hardswish": 4,
    "linalg_cross": 3,
    "native_dropout_backward": 2,
    "mse_loss_backward": 2,
    "smooth_l1_loss_backward": 2,
    "binary_cross_entropy_backward": 4,
    "sigmoid_backward": 3,
    "tanh_backward": 3,
    "elu_backward": 3,
    "softplus_backward": 5,
    "silu_backward": 8,
    "gelu_backward": 16,
    "log_sigmoid_backward": 5,
    "glu": 5,
    "glu_backward": 9,
}
"""FLOPs an output element; transcendental functions built from exp count its steps."""

NORMALISATION: dict[str, int] = {
    "native_layer_norm": 5,
    "native_group_norm": 5,
    "native_batch_norm": 2,
    "_native_batch_norm_legit_no_training": 2,
    "_native_batch_norm_legit": 5,
    "cudnn_batch_norm": 2,
    "_softmax": 5,
    "_safe_softmax": 5,
    "_log_softmax": 5,
    "linalg_vector_norm": 2,
    "norm": 2,
    "_softmax_backward_data": 4,
    "_log_softmax_backward_data": 4,
    "native_layer_norm_backward": 9,
    "native_group_norm_backward": 9,
    "native_batch_norm_backward": 8,
    "_weight_norm_interface": 4,
    "_weight_norm_interface_backward": 6,
}
"""FLOPs an input element of normalisations; softmax is max, subtract, exp, sum, divide."""

REDUCTION = frozenset(
    _names(
        "sum mean max min amax amin argmax argmin prod any all cumsum cumprod cummax cummin var std "
        "var_mean logsumexp topk sort max_pool1d max_pool2d_with_indices avg_pool1d avg_pool2d "
        "_adaptive_avg_pool2d adaptive_max_pool2d _is_all_true _is_any_true count_nonzero "
        "nansum bincount equal mse_loss smooth_l1_loss "
        "binary_cross_entropy_with_logits "
        "binary_cross_entropy log_sigmoid_forward embedding_dense_backward max_pool2d_with_indices_backward "
        "avg_pool2d_backward _adaptive_avg_pool2d_backward kthvalue median mode"
    )
)
"""Operators that cost one FLOP an input element."""

MOVEMENT = frozenset(
    _names(
        "clone copy _to_copy cat stack empty empty_like empty_strided new_empty new_zeros new_ones "
        "new_full zeros zeros_like ones ones_like full full_like fill zero arange linspace eye "
        "scalar_tensor lift_fresh lift_fresh_copy embedding index index_select gather scatter scatter_add "
        "index_put index_copy index_add repeat repeat_interleave roll flip constant_pad_nd reflection_pad1d "
        "replication_pad1d _unsafe_view contiguous detach _pack_padded_sequence _pad_packed_sequence "
        "_local_scalar_dense item unsafe_split unsafe_chunk nonzero masked_select resize set "
        "_reshape_alias transpose t squeeze unsqueeze view as_strided im2col col2im pixel_shuffle one_hot "
        "to_padded_tensor _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned _assert_async _assert_scalar "
        "_assert_tensor_metadata tril_indices triu_indices rand randn randint uniform normal "
        "diag_embed resolve_conj resolve_neg isin searchsorted bucketize unfold_backward select_backward "
        "diagonal_backward random exponential "
        "slice_backward set_data retain_grad record_stream _propagate_xla_data _index_put_impl unique_consecutive "
        "_values_copy _nested_view_from_buffer_copy _nested_from_padded _jagged_to_padded_dense_forward "
        "_padded_dense_to_jagged_forward to_dense _to_dense to_mkldnn _coalesce new_empty_strided "
        "_nested_tensor_from_tensor_list "
        "to_sparse _to_sparse _to_sparse_csr _to_sparse_csc _to_sparse_bsr _to_sparse_bsc "
        "_fused_sdp_choice _use_cudnn_ctc_loss cudnn_is_acceptable _linalg_check_errors result_type qscheme size "
        "stride "
        "storage_offset numel dim dense_dim sparse_dim get_device element_size _nnz _dimI _dimV _version "
        "_has_compatible_shallow_copy_type _has_same_storage_numel _is_zerotensor _debug_has_internal_overlap "
        "_nested_tensor_size _nested_tensor_strides _nested_tensor_storage_offsets"
    )
)
"""Operators that only create, move or look up values, or ask a tensor what it is."""

ASKING = ("is_", "sym_", "q_", "_validate_", "_nested_get_")
"""Beginnings of the names of operators that ask a tensor what it is; one that returns a tensor is none of them."""

UPDATE: dict[str, int] = {"_fused_adam": 11, "_fused_adamw": 11, "_fused_sgd": 1}
"""FLOPs a parameter of an optimiser's update in one operator: what the same update costs step by step.

Adam: first moment (3), second (1 + 2), root, bias correction and epsilon (3), quotient (2). SGD: one addition.
"""


def update_flops(base: str, options: Mapping[str, object]) -> int:
    """FLOPs a parameter of a fused update with its options; each of them is one more operation, momentum two."""
    flops = UPDATE[base] + sum(bool(options.get(name)) for name in ("weight_decay", "amsgrad", "nesterov", "maximize"))
    return flops + 2 * bool(options.get("momentum") and not options.get("is_first_step"))
