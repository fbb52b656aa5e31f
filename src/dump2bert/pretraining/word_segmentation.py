"""Words of Chinese text, for whole-word masking: the vocabulary has single characters, so ## says nothing of words.

The segmenter is jieba (a dictionary and a hidden Markov model for words that it lacks) in its Rust form, `rjieba`, which
carries its dictionary with it. It changes no id: it only says which characters are masked together.
"""

import numpy as np
import rjieba

from dump2bert.tokenization import CJK_BLOCKS


def characters_within_words(text):
    """text: valid UTF-8, bytes. [bytes] uint8: 1 where a Chinese character begins that goes on with a word."""
    characters = text.decode()
    codes = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
    begins = np.zeros(len(codes) + 1, bool)
    begins[np.cumsum(np.fromiter(map(len, rjieba.cut(characters)), np.int64))] = True
    begins[0] = True
    is_chinese = np.zeros(len(codes), bool)
    for first, last in CJK_BLOCKS:
        is_chinese |= (codes >= first) & (codes <= last)
    data = np.frombuffer(text, np.uint8)
    first_bytes = np.flatnonzero(data & 0xC0 != 0x80)
    within = np.zeros(len(data), np.uint8)
    within[first_bytes[is_chinese & ~begins[:-1]]] = 1
    return within
