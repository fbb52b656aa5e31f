"""The operators that the networks are made of, each in a plain form and, where it pays, in one that is fast on a CPU.

MindSpore's own kernels for GELU, LayerNorm's gradient and a bias' gradient take most of a training step's time on a
CPU; the fast forms say the same with matrix products and full-shape elementwise operators, with gradients of their own.
Where there is a C++ compiler, GELU, LayerNorm, linear layers, attention's products and dropout are single operators, which is
faster still (nets/compiled). The plain forms are MindSpore's kernels: other devices use them, and the tests compare them
all. Ascend has an attention in one kernel. `on_cpu`, `has_flash_attention` and `overflow_register` are the only places
where a network asks for the device.

Activations between the operators are matrices (batch * sequence, features); weights are float32, products are computed
in `compute_type`. On a CPU bfloat16 is a type of products alone: the operator of nets/compiled takes and gives float32.
"""

import math

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops.operations.math_ops import NPUClearFloatStatusV2, NPUGetFloatStatusV2

from dump2bert.nets import compiled

matmul = ops.MatMul()
matmul_nt = ops.MatMul(transpose_b=True)
matmul_tn = ops.MatMul(transpose_a=True)
bias_add = ops.BiasAdd()
sum_of_rows = ops.ReduceSum(keep_dims=True)


flash_attention_score = ops.flash_attention_score


def on_cpu():
    return ms.get_context("device_target") == "CPU"


def has_compiled_operators():
    return on_cpu() and compiled.usable()


def has_flash_attention(compute_type, head_size):
    """Ascend has it, in half precision, for heads of whole vectors; the first Ascend 910 does not."""
    if ms.get_context("device_target") != "Ascend" or compute_type == ms.float32 or head_size % 16:
        return False
    return not on_first_ascend_910()


def on_first_ascend_910():
    if ms.get_context("device_target") != "Ascend":
        return False
    from mindspore._c_expression import MSContext
    return MSContext.get_instance().get_ascend_soc_version() == "ascend910"


def parameter(*shape):
    """A weight that has no value yet (not a number, so that a forgotten `bert.initialize` shows at once)."""
    return Parameter(Tensor(np.full(shape, np.nan, np.float32)))


# ---------------------------------------------------------------------------------------------------- matrix products


def rounds_on_cpu(compute_type):
    """Whether the activations are float32 and only the factors of products are rounded to bfloat16."""
    return compute_type == ms.bfloat16 and on_cpu()


def activation_type(compute_type):
    """What the activations are held in."""
    return ms.float32 if rounds_on_cpu(compute_type) else compute_type


def product_nt(compute_type):
    """a (M, K), b (N, K) of the activation_type -> a @ b transposed (M, N)"""
    if rounds_on_cpu(compute_type):
        return compiled.ProductNT()
    return matmul_nt


def batched_products(compute_type):
    """a (..., M, K), b (..., K, N) -> a @ b (..., M, N), and the same for b (..., N, K), transposed"""
    if rounds_on_cpu(compute_type):
        return compiled.Product(), compiled.ProductNT()
    return ops.BatchMatMul(), ops.BatchMatMul(transpose_b=True)


# ------------------------------------------------------------------------------------------------------------ Linear


class FastBias(nn.Cell):
    """x + bias for x (N, F); the bias' gradient is a row of ones times dy (BiasAddGrad takes fifteen times as long)."""

    def construct(self, x, bias):
        return bias_add(x, bias)

    def bprop(self, x, bias, out, dy):
        return dy, matmul(ops.ones((1, dy.shape[0]), dy.dtype), dy).reshape(-1)


class PlainBias(nn.Cell):
    def construct(self, x, bias):
        return bias_add(x, bias)


def bias_form():
    return FastBias() if on_cpu() else PlainBias()


class ComposedLinear(nn.Cell):
    """x (N, inputs), weight (outputs, inputs), bias (outputs,) of one type -> x @ weight.T + bias (N, outputs)"""

    def __init__(self):
        super().__init__()
        self.add_bias = bias_form()

    def construct(self, x, weight, bias):
        return self.add_bias(matmul_nt(x, weight), bias)


def compiled_kind(compute_type):
    """What compiled operators of linear layers and attention multiply in: float32, bfloat16, or None where there are none."""
    if rounds_on_cpu(compute_type):
        return "bfloat16"
    return "float32" if compute_type == ms.float32 and has_compiled_operators() else None


def linear_form(compute_type):
    kind = compiled_kind(compute_type)
    return compiled.Linear(kind) if kind else ComposedLinear()


class Linear(nn.Cell):
    """x (N, inputs) -> x @ weight.T + bias (N, outputs), multiplied in `compute_type` and returned in its
    activation_type."""

    def __init__(self, inputs, outputs, compute_type=ms.float32):
        super().__init__()
        self.weight = parameter(outputs, inputs)
        self.bias = parameter(outputs)
        self.type = activation_type(compute_type)
        self.form = linear_form(compute_type)

    def construct(self, x):
        return self.form(x.astype(self.type), self.weight.astype(self.type), self.bias.astype(self.type))


# ------------------------------------------------------------------------------------------------------------ lookup

PAD = 0    # the id of [PAD]


class FastLookup(nn.Cell):
    """table (V, H), ids (N,) -> rows of the table (N, H). Looking [PAD] up does not train it, as in Hugging Face's and
    NEZHA-PyTorch's networks (padding_idx)."""

    def construct(self, table, ids):
        return ops.gather(table, ids, 0)

    def bprop(self, table, ids, out, dy):
        trained = ops.select(ids == PAD, ids * 0 - 1, ids)    # a negative number is no row; on Ascend it is an error
        return ops.unsorted_segment_sum(dy, trained, table.shape[0]), ops.zeros_like(ids)


class PlainLookup(nn.Cell):
    def construct(self, table, ids):
        return ops.gather(table, ids, 0)

    def bprop(self, table, ids, out, dy):
        trained = (ids != PAD).astype(dy.dtype).reshape(-1, 1)
        return ops.unsorted_segment_sum(dy * trained, ids, table.shape[0]), ops.zeros_like(ids)


def lookup_form():
    return FastLookup() if on_cpu() else PlainLookup()


# --------------------------------------------------------------------------------------------------------- LayerNorm


class FastLayerNorm(nn.Cell):
    """LayerNorm of the rows of x (N, H), float32, without broadcasts of rows or columns: those are outer products."""

    def __init__(self, size, eps):
        super().__init__()
        self.size, self.eps = size, eps

    def normalise(self, x):
        """Centred x (N, H) and the reciprocal of its standard deviation (N, 1)."""
        row_of_ones = ops.ones((1, self.size), x.dtype)
        centred = x - matmul(sum_of_rows(x, 1) * (1.0 / self.size), row_of_ones)
        return centred, ops.rsqrt(sum_of_rows(centred * centred, 1) * (1.0 / self.size) + self.eps)

    def construct(self, x, weight, bias):
        centred, rstd = self.normalise(x)
        return bias_add(centred * matmul(rstd, weight.reshape(1, -1)), bias)

    def bprop(self, x, weight, bias, out, dy):
        centred, rstd = self.normalise(x)     # the forward's own values: the compiler removes the repetition
        row_of_ones = ops.ones((1, self.size), x.dtype)
        column = weight.reshape(-1, 1)
        product = dy * centred
        mean_dy = matmul(dy, column) * rstd * (1.0 / self.size)
        mean_product = matmul(product, column) * (rstd * rstd * rstd * (1.0 / self.size))
        dx = (dy * matmul(rstd, weight.reshape(1, -1)) - centred * matmul(mean_product, row_of_ones)
              - matmul(mean_dy, row_of_ones))
        return dx, matmul_tn(rstd, product).reshape(-1), matmul(ops.ones((1, dy.shape[0]), dy.dtype), dy).reshape(-1)


class PlainLayerNorm(nn.Cell):
    def __init__(self, size, eps):
        super().__init__()
        self.norm = ops.LayerNorm(1, 1, eps)

    def construct(self, x, weight, bias):
        return self.norm(x, weight, bias)[0]


def layer_norm_form(size, eps):
    if not on_cpu():
        return PlainLayerNorm(size, eps)
    return compiled.LayerNorm(eps) if compiled.usable() else FastLayerNorm(size, eps)


class LayerNorm(nn.Cell):
    """x (N, size) -> the same, each row with mean 0 and variance 1, times weight plus bias. Computed in float32."""

    def __init__(self, size, eps):
        super().__init__()
        self.size, self.eps = size, eps
        self.weight = parameter(size)
        self.bias = parameter(size)
        self.form = layer_norm_form(size, eps)

    def construct(self, x):
        return self.form(x.astype(ms.float32), self.weight, self.bias).astype(x.dtype)


# --------------------------------------------------------------------------------------------------------- attention


def split_heads(x, batch, heads):
    """(B * S, H) -> (B, A, S, D)"""
    rows, size = x.shape
    return x.reshape(batch, rows // batch, heads, size // heads).transpose(0, 2, 1, 3)


def join_heads(x):
    """(B, A, S, D) -> (B * S, H)"""
    batch, heads, length, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch * length, heads * size)


class ComposedScores(nn.Cell):
    """query, key (B * S, H), mask (B, A, S, S) of one type -> each head's products of queries and keys, plus the mask
    (B, A, S, S)"""

    def __init__(self):
        super().__init__()
        self.product_nt = ops.BatchMatMul(transpose_b=True)

    def construct(self, query, key, mask):
        batch, heads = mask.shape[:2]
        return self.product_nt(split_heads(query, batch, heads), split_heads(key, batch, heads)) + mask


class ComposedContext(nn.Cell):
    """weights (B, A, S, S), value (B * S, H) of one type -> each head's values, weighted (B * S, H)"""

    def __init__(self):
        super().__init__()
        self.product = ops.BatchMatMul()

    def construct(self, weights, value):
        return join_heads(self.product(weights, split_heads(value, weights.shape[0], weights.shape[1])))


def attention_forms(compute_type):
    """-> cells of the scores and of the context"""
    kind = compiled_kind(compute_type)
    if kind:
        return compiled.AttentionScores(kind), compiled.AttentionContext(kind)
    return ComposedScores(), ComposedContext()


class FlashAttention(nn.Cell):
    """Softmax of the scores, dropout and the product with the values in one kernel of Ascend's, which keeps no (S, S)
    weights. What SelfAttention in nets/bert.py does without relative positions, which this kernel has no place for."""

    LENGTHS = 16    # a sequence must be a multiple of this, so that its dropout mask is whole bytes

    def __init__(self, rate):
        super().__init__()
        self.keep_prob = 1.0 - rate
        if rate > 0.0:
            self.draw_bits, self.keep_prob_tensor = ops.DropoutGenMask(), Tensor(self.keep_prob, ms.float16)

    def construct(self, query, key, value, mask, keys):
        """query (already scaled), key, value (B, A, S, D), mask (B, A, S, S) below 0 where a key is hidden, keys: None
        for no dropout -> context (B, A, S, D)."""
        batch, heads, length, _ = mask.shape
        hidden = mask[:, :1] < 0
        if keys is None or self.keep_prob == 1.0:
            return flash_attention_score(query, key, value, heads, attn_mask=hidden, input_layout="BNSD")
        bits = self.draw_bits((batch, heads, length, length), self.keep_prob_tensor)
        bits = bits.reshape(batch, heads, length, length // 8)
        return flash_attention_score(query, key, value, heads, drop_mask=bits, attn_mask=hidden,
                                     keep_prob=self.keep_prob, input_layout="BNSD")


# -------------------------------------------------------------------------------------------------------- activations


class FastGeluNew(nn.Cell):
    """GELU in the tanh form, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written as x * sigmoid(2 * ...)."""

    LINEAR = 2 * math.sqrt(2 / math.pi)
    CUBIC = LINEAR * 0.044715

    def construct(self, x):
        return x * ops.sigmoid(x * (x * x * self.CUBIC + self.LINEAR))

    def bprop(self, x, out, dy):
        factor = x * x * self.CUBIC + self.LINEAR
        gate = ops.sigmoid(x * factor)
        return (dy * (gate + (out - out * gate) * (factor * 3.0 - 2 * self.LINEAR)),)


class FastGelu(nn.Cell):
    """GELU in the erf form, x * Phi(x), whose gradient is Phi(x) + x * phi(x).

    The normal distribution Phi is computed as sigmoid(x * polynomial(x^2)), which takes a sixth of erf's time. The
    polynomial is a minimax fit of logit(Phi(x)) / x; the largest error of x * Phi(x) is 7e-8 before rounding.
    """

    LOGIT = (3.611858049e-09, -2.669208622e-07, 7.938675203e-06, -1.104836714e-04, -6.624874385e-05, 7.266855208e-02,
             1.595768437)

    def construct(self, x):
        return x * self.distribution(x)

    def distribution(self, x):
        square = x * x
        value = square * self.LOGIT[0] + self.LOGIT[1]
        for coefficient in self.LOGIT[2:]:
            value = value * square + coefficient
        return ops.sigmoid(value * x)

    def bprop(self, x, out, dy):
        density = ops.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return (dy * (self.distribution(x) + x * density),)


class PlainGelu(nn.Cell):
    def __init__(self, approximate):
        super().__init__()
        self.approximate = approximate

    def construct(self, x):
        return ops.gelu(x, approximate=self.approximate)


def activation(name):
    """The cell of `hidden_act`: gelu (erf form), gelu_new (tanh form) or relu."""
    if name == "relu":
        return nn.ReLU()
    if not on_cpu():
        return PlainGelu("tanh" if name == "gelu_new" else "none")
    return compiled.Gelu(name) if compiled.usable() else composed_gelu(name)


def composed_gelu(name):
    return FastGeluNew() if name == "gelu_new" else FastGelu()


class FastTanh(nn.Cell):
    """By way of the sigmoid: MindSpore's Tanh is off by up to 1e-4 on a CPU (2.10), its Sigmoid by 1e-6."""

    def construct(self, x):
        return 2.0 * ops.sigmoid(2.0 * x) - 1.0


def tanh_form():
    return FastTanh() if on_cpu() else ops.Tanh()


# ------------------------------------------------------------------------------------------------------------ dropout

MASK_ROWS = 4096    # rows of a pool, a power of two
MASK_WIDTH = 1024   # elements of a row


class Dropout(nn.Cell):
    """Dropout whose masks are data, so that they are a function of (seed, step, row of the batch, site).

    On a CPU, MindSpore's own dropout cannot be rewound, so no run could be resumed exactly. Here the caller supplies
        masks  (2 * MASK_ROWS, MASK_WIDTH) float32: two pools of rows of 0 or 1/(1-p), for hidden and attention dropout;
        keys   (B, sites, 2) int32: for each instance and each place of dropout a first row and an odd step,
    and the mask of an instance at a site are the rows first, first + step, first + 2 step ... of the pool, one after
    the other. training/dropout.py makes both. Without keys there is no dropout. Other devices use their own dropout.
    """

    def __init__(self, rate, site, pool=0):
        super().__init__()
        self.rate, self.own = rate, not on_cpu()
        self.form = dropout_form(site, pool)

    def construct(self, x, keys, masks):
        """x: any shape that holds B * n elements, instance by instance."""
        if keys is None or self.rate == 0.0:
            return x
        if self.own:
            return own_dropout(x, self.rate)
        return self.form(x.astype(ms.float32), keys, masks).astype(x.dtype)


class ComposedDropout(nn.Cell):
    def __init__(self, site, pool):
        super().__init__()
        self.site, self.pool = site, pool

    def construct(self, x, keys, masks):
        instances = keys.shape[0]
        elements = x.size // instances
        count = -(-elements // MASK_WIDTH)
        first, step = ops.split(keys[:, self.site], 1, 1)
        rows = (first + step * ops.arange(count).reshape(1, count)) % MASK_ROWS + self.pool * MASK_ROWS
        mask = ops.gather(masks, rows.reshape(-1), 0)
        if count * MASK_WIDTH != elements:
            mask = mask.reshape(instances, count * MASK_WIDTH)[:, :elements]
        return x * mask.reshape(x.shape)


def dropout_form(site, pool):
    return compiled.Dropout(site, pool) if has_compiled_operators() else ComposedDropout(site, pool)


def own_dropout(x, rate):
    """MindSpore's own, which is documented for float16 and float32 alone."""
    if x.dtype == ms.bfloat16:
        return ops.dropout(x.astype(ms.float32), rate, True).astype(ms.bfloat16)
    return ops.dropout(x, rate, True)


HIDDEN, ATTENTION = 0, 1   # the two pools


# ----------------------------------------------------------------------------------------------------------- overflow


class OverflowRegister(nn.Cell):
    """Whether anything has overflowed on the device since the last call, () float32 0 or 1. The first Ascend 910 gives
    the largest number in place of inf and notes it in a register, which is read here as MindSpore's loss scaling reads
    it (mindspore/amp.py, all_finite). Not tried: no such device was at hand."""

    def __init__(self):
        super().__init__()
        self.read_status, self.clear_status = NPUGetFloatStatusV2(), NPUClearFloatStatusV2()

    def construct(self, computed):
        """computed: what must have been computed before the register is read."""
        status = ops.depend(Tensor([0] * 8, ms.int32), computed)
        found = self.read_status(status)
        found = ops.depend(found, self.clear_status(ops.depend(status, found)))
        return 1.0 - (found == 0).all().astype(ms.float32)


def overflow_register():
    """Where numbers that are not finite do not show themselves; None elsewhere."""
    return OverflowRegister() if on_first_ascend_910() else None
