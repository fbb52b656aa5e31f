"""Cutting UTF-8 text into pieces whose WordPieces do not depend on what stands around them, and numbering those pieces.

Such a piece, called a word here, is a run of ASCII letters and digits, a character that is a word by itself (punctuation, CJK
characters), or anything between two of those that is not so simple: then the reference tokenizer cuts it further, and it may
even hold several real words. Only one rule of Unicode looks further than a word of ours, the final sigma: a word with a
capital sigma reaches from white space to white space.
"""

import unicodedata

import numpy as np

from dump2bert.pretraining.compiled import inlined, kernel
from dump2bert.pretraining.crc_kernels import word_at
from dump2bert.tokenization import CJK_BLOCKS, is_punctuation

HARD, LETTER, ALONE, SPACE, LINE_END, SIGMA = range(6)
PUNCTUATION_BLOCKS = [(0x2010, 0x205E), (0x3001, 0x303D), (0xFF01, 0xFF65)]    # the usual ones beyond ASCII
CAPITAL_SIGMA = 0x3A3
NO_WORD = -1


def character_classes(do_lower_case):
    """uint8 for each code point. HARD, the class of most, is always right; the others make things fast."""
    classes = np.full(0x110000, HARD, np.uint8)
    for code in range(128):
        if chr(code).isalnum():
            classes[code] = LETTER
        elif is_punctuation(chr(code)):
            classes[code] = ALONE
    classes[[ord(" "), ord("\t"), ord("\r"), 0x3000]] = SPACE
    classes[ord("\n")] = LINE_END
    for first, last in CJK_BLOCKS:
        classes[first:last + 1] = ALONE
    for first, last in PUNCTUATION_BLOCKS:
        for code in range(first, last + 1):
            character = chr(code)
            unchanged = unicodedata.normalize("NFD", character.lower()) == character
            if is_punctuation(character) and (unchanged or not do_lower_case):
                classes[code] = ALONE
    if do_lower_case:
        classes[CAPITAL_SIGMA] = SIGMA
    return classes


@kernel
def fold_case(text, size):
    """ASCII capitals to small letters, in text[:size]."""
    for place in range(size):
        byte = text[place]
        text[place] = byte + np.uint8(32) * np.uint8((byte >= 65) & (byte <= 90))


@inlined
def code_point(text, place):
    """(code, bytes) of the character that starts here; the text is valid UTF-8."""
    lead = np.int64(text[place])
    if lead < 0x80:
        return lead, 1
    second = np.int64(text[place + 1]) & 63
    if lead < 0xE0:
        return (lead & 31) << 6 | second, 2
    third = np.int64(text[place + 2]) & 63
    if lead < 0xF0:
        return (lead & 15) << 12 | second << 6 | third, 3
    return (lead & 7) << 18 | second << 12 | third << 6 | (np.int64(text[place + 3]) & 63), 4


@inlined
def is_ascii_space(byte):
    return byte == 32 or byte == 9 or byte == 13 or byte == 10


@kernel
def find_words(text, size, classes, starts, lengths, hard):
    """Words and line ends of text[:size], which ends with a line end; returns how many.

    starts, lengths in bytes; a line end has the length 0. hard: 1 if only the reference tokenizer knows the pieces.
    text: eight bytes longer than size.
    """
    count, place = 0, 0
    word = -1                             # where the word starts that is being read
    is_hard = False
    run, words_before_run = 0, 0          # where the text since the last ASCII white space starts
    while place < size:
        code, width = code_point(text, place)
        kind = classes[code]
        if kind == LETTER or kind == HARD:
            if word < 0:
                word, is_hard = place, False
            is_hard |= kind == HARD
            place += width
            continue
        if kind == SIGMA:
            # This run is one word, from its start to its end.
            count = words_before_run
            while not is_ascii_space(text[place]):
                place += 1
            word, is_hard, width = run, True, 0
        if word >= 0:
            starts[count], lengths[count], hard[count] = word, place - word, is_hard
            count += 1
            word = -1
        if kind == ALONE:
            starts[count], lengths[count], hard[count] = place, width, True
            count += 1
        elif kind == LINE_END:
            starts[count], lengths[count], hard[count] = place, 0, 0
            count += 1
        place += width
        if kind == LINE_END or (kind == SPACE and width == 1):
            run, words_before_run = place, count
    return count


@inlined
def hash_of(text, start, length):
    """64 bits of bytes that are followed by zeros up to a multiple of eight, or by anything: the rest is cut off."""
    state = np.uint64(length) * np.uint64(0x9E3779B97F4A7C15)
    place, end = start, start + length
    while place < end:
        word = word_at(text, place)
        if end - place < 8:
            word &= (np.uint64(1) << np.uint64(8 * (end - place))) - np.uint64(1)
        state = (state ^ word) * np.uint64(0xFF51AFD7ED558CCD)
        state ^= state >> np.uint64(32)
        place += 8
    return state


@inlined
def same_bytes(text, start, letters, first, length):
    for place in range(length):
        if text[start + place] != letters[first + place]:
            return False
    return True


@kernel
def number_words(text, starts, lengths, hard, count, known, table, hashes, first_letter, word_length, is_hard, letters,
                 numbers):
    """Look words up in an open hash table and add those that are new; returns how many words are known now.

    known: how many were. numbers: that of each word, NO_WORD for a line end. -1 is returned when there is no room: then
    the table is to be emptied. table: word number + 1, or 0 where a place is free. letters: the bytes of all words;
    first_letter has one element more than words.
    """
    places = np.uint64(len(table) - 1)
    for turn in range(count):
        start, length = starts[turn], np.int64(lengths[turn])
        if length == 0:
            numbers[turn] = NO_WORD
            continue
        code = hash_of(text, start, length)
        place = code & places
        number = -1
        while table[place]:
            other = table[place] - 1
            if hashes[other] == code and word_length[other] == length \
                    and same_bytes(text, start, letters, first_letter[other], length):
                number = other
                break
            place = (place + np.uint64(1)) & places
        if number < 0:
            first = first_letter[known]
            if known == len(word_length) or first + length > len(letters):
                return -1
            number = known
            known += 1
            table[place] = known
            hashes[number], word_length[number], is_hard[number] = code, length, hard[turn]
            for byte in range(length):
                letters[first + byte] = text[start + byte]
            first_letter[known] = first + length
        numbers[turn] = number
    return known


@kernel
def count_tokens(numbers, count, piece_count):
    """Of all words together."""
    tokens = 0
    for turn in range(count):
        if numbers[turn] >= 0:
            tokens += piece_count[numbers[turn]]
    return tokens


@kernel
def join_sentences(numbers, count, first_piece, piece_count, is_blank, pieces, tokens, sentence_lengths, breaks):
    """The pieces of all words one after the other; returns (sentences, breaks).

    A line is a sentence unless it has no token. A line of nothing but white space ends a document: breaks are the numbers
    of sentences before such lines.
    """
    token, sentences, found = 0, 0, 0
    sentence_start, blank = 0, True
    for turn in range(count):
        number = numbers[turn]
        if number >= 0:
            blank &= is_blank[number] != 0
            first = first_piece[number]
            for piece in range(piece_count[number]):
                tokens[token + piece] = pieces[first + piece]
            token += piece_count[number]
            continue
        if token > sentence_start:
            sentence_lengths[sentences] = token - sentence_start
            sentences += 1
        if blank:
            breaks[found] = sentences
            found += 1
        sentence_start, blank = token, True
    return sentences, found
