"""CRC-32C, compiled: with the processor's own instruction where it has one (x86-64 with SSE 4.2), else by tables.

The instruction takes eight bytes at once; the tables do the same ("slicing by 8", Kounavis and Berry 2005): CRC is linear, so
the effects of eight bytes are looked up side by side and added (xor).
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dump2bert.pretraining.compiled import inlined
from dump2bert.tfrecord import crc_table

HAS_INSTRUCTION = bool(llvmlite.binding.get_host_cpu_features().get("sse4.2"))
# EFFECT[k, byte]: what the byte does to the checksum when k bytes follow it.
EFFECT = np.ascontiguousarray(crc_table(8)[::-1])
ALL_ONES = np.uint32(0xFFFFFFFF)


@intrinsic
def word_at(_, data, position):
    """Eight bytes of a uint8 array as a little-endian number, wherever they start: one load."""
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
    return types.uint64(data, types.int64), generate


def crc_instruction(name, bits):
    """A function (state, number of so many bits) -> state, which is one machine instruction."""
    @intrinsic
    def step(_, state, word):
        def generate(_, builder, signature, arguments):
            number = ir.IntType(bits)
            state_type = ir.IntType(max(bits, 32))
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(state_type, [state_type, number]), f"llvm.x86.sse42.crc32.{name}")
            return builder.call(function, arguments)
        kinds = {8: (types.uint32, types.uint8), 64: (types.uint64, types.uint64)}[bits]
        return kinds[0](*kinds), generate
    return step


step_64 = crc_instruction("64.64", 64)
step_8 = crc_instruction("32.8", 8)


@inlined
def crc_by_instruction(data, start, end):
    state, position = np.uint64(ALL_ONES), start
    while position + 8 <= end:
        state = step_64(state, word_at(data, position))
        position += 8
    rest = np.uint32(state)
    while position < end:
        rest = step_8(rest, data[position])
        position += 1
    return rest ^ ALL_ONES


@inlined
def crc_by_tables(data, start, end):
    state, position = ALL_ONES, start
    while position + 8 <= end:
        word = word_at(data, position) ^ np.uint64(state)
        state = np.uint32(0)
        for byte in range(8):
            state ^= EFFECT[7 - byte, (word >> np.uint64(8 * byte)) & np.uint64(255)]
        position += 8
    while position < end:
        state = EFFECT[0, (state ^ data[position]) & np.uint32(255)] ^ (state >> np.uint32(8))
        position += 1
    return state ^ ALL_ONES


crc32c = crc_by_instruction if HAS_INSTRUCTION else crc_by_tables
"""The CRC-32C of data[start:end]: uint32."""


@inlined
def masked(crc):
    """TFRecord's form of a checksum (tfrecord.masked_crc)."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
