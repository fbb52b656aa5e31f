"""Training a WordPiece vocabulary on a text.

The words are those that our tokenizer will cut later, counted here; `tokenizers` then merges characters to pieces by
frequency. It keeps what it counts in hash tables of random order, so which of two equally frequent pairs is merged
first would differ from run to run: we give all single characters their ids beforehand, which settles every tie.
"""

import os
from collections import Counter

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from dump2bert.errors import BadInput
from dump2bert.progress import say
from dump2bert.tokenization import MAX_CHARACTERS_PER_WORD, SPECIAL_TOKENS, basic_words

MOST_WORDS = 4_000_000           # distinct words kept while counting; about 500 MB
REPETITIONS_AT_ONCE = 10_000


def train_vocabulary(lines, vocab_size, min_frequency, do_lower_case):
    """[PAD] [UNK] [CLS] [SEP] [MASK], then characters, then longer pieces by the order of their merges.

    lines: an iterable of text. At most vocab_size pieces; fewer where no pair of pieces occurs min_frequency times.
    """
    room = vocab_size - len(SPECIAL_TOKENS)
    if room < 2:
        raise BadInput(f"no vocabulary can be trained: vocab_size {vocab_size} has no room for the "
                       f"{len(SPECIAL_TOKENS)} special tokens and one character, which are two pieces (a and ##a)")
    words = count_words(lines, do_lower_case)
    common = common_characters(words, min_frequency)
    if not common:
        raise BadInput(f"no vocabulary can be trained: no character of the text occurs {min_frequency} times")
    alphabet = fitting(common, room)
    # A word with any other character will be [UNK] as a whole, so it has nothing to teach.
    spelled = {word: count for word, count in words.items() if alphabet.issuperset(single_pieces(word))}
    os.environ["TOKENIZERS_PARALLELISM"] = "false"    # counts are all it has to add up; one thread is enough
    trainer = trainers.WordPieceTrainer(vocab_size=vocab_size, min_frequency=min_frequency, show_progress=False,
                                        special_tokens=SPECIAL_TOKENS + sorted(alphabet, key=alphabetical))
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=MAX_CHARACTERS_PER_WORD))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(repeated(spelled), trainer)
    pieces = tokenizer.get_vocab(with_added_tokens=False)
    say(f"trained {len(pieces)} WordPieces" + remark(len(pieces), vocab_size, min_frequency, set(common) - alphabet))
    return sorted(pieces, key=pieces.get)


def remark(size, vocab_size, min_frequency, left_out):
    """What bounds the size: vocab_size, or the text. left_out: one-character pieces without room."""
    if left_out:
        return (f": cut at vocab_size {vocab_size}, which has no room for {len(left_out)} one-character pieces of the "
                "text (words with them become [UNK])")
    if size < vocab_size:
        return (f": the text gives fewer than vocab_size {vocab_size}, because no more pieces occur {min_frequency} "
                "times (min_frequency)")
    return ", as many as vocab_size allows"


def count_words(lines, do_lower_case):
    """Counter of the text's words, for a text of any size: when there are too many, those seen once are forgotten."""
    words = Counter()
    for line in lines:
        words.update(word for word in basic_words(line, do_lower_case) if len(word) <= MAX_CHARACTERS_PER_WORD)
        if len(words) > MOST_WORDS:
            words = Counter({word: count for word, count in words.items() if count > 1})
    return words


def common_characters(words, min_frequency):
    """The one-character pieces ("a", "##a") that occur min_frequency times, the commonest first."""
    counts = Counter()
    for word, count in words.items():
        for piece in single_pieces(word):
            counts[piece] += count
    return sorted((piece for piece in counts if counts[piece] >= min_frequency),
                  key=lambda piece: (-counts[piece], alphabetical(piece)))


def fitting(common, room):
    """The alphabet: the first of the `common` pieces that `room` has place for, as a set.

    `tokenizers` adds "a" wherever it has "##a", beyond the size asked for, so "a" is counted with it.
    """
    alphabet = set()
    for piece in common:
        forms = {piece, piece.removeprefix("##")}
        if len(alphabet | forms) <= room:
            alphabet |= forms
    return alphabet


def single_pieces(word):
    """A word cut into characters: "bert" -> b ##e ##r ##t."""
    return [word[0], *(f"##{character}" for character in word[1:])]


def alphabetical(piece):
    return len(piece) > 1, piece


def repeated(words):
    """Texts in which each word stands as often as it was counted, in pieces that fit into memory."""
    for word in sorted(words):
        left = words[word]
        while left > 0:
            yield f"{word} " * min(left, REPETITIONS_AT_ONCE)
            left -= REPETITIONS_AT_ONCE
