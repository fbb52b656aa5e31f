"""A small text, vocabulary and pretraining data made of them, for the tests of several modules."""

import random
from itertools import count

from dump2bert.stages import pretraining_data
from dump2bert.tokenization import SPECIAL_TOKENS

LETTERS = "abcdefghij"
PIECES = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *map(str, range(100))]


def write_vocabulary(path, pieces=PIECES):
    path.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    return path


def write_text(path, documents, seed=0):
    """`documents` documents of 1 to 12 sentences; every sentence begins with numbers that it alone has together."""
    rng, number = random.Random(seed), count()
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(documents):
            for _ in range(rng.randint(1, 12)):
                words = ["".join(rng.choices(LETTERS, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 9))]
                file.write(" ".join([*f"{next(number):06}", *words]) + "\n")
            file.write("\n")
    return path


def make_data(folder, text, vocabulary, shards=2, **changes):
    """Run the stage; the shards' paths."""
    outputs = [folder / f"part-{number}.tfrecord" for number in range(shards)]
    options = {"mode": "fast", "input_file": [text], "output_file": outputs, "vocab_file": vocabulary,
               "statistics": None, "do_lower_case": True, "do_whole_word_mask": False, "max_seq_length": 64,
               "max_predictions_per_seq": 10, "random_seed": 12345, "dupe_factor": 2,
               "masked_lm_prob": 0.15, "short_seq_prob": 0.1, "masking": "static", "word_segmenter": "none",
               "workers": 1, "jobs": 1, "job": 0}
    pretraining_data.run(**{**options, **changes})
    return outputs
