"""Stage `vocabulary`: a WordPiece vocabulary, trained on the corpus, or given and checked."""

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.progress import say


def run(*, input_file, vocab_file, output, vocab_size, min_frequency, do_lower_case):
    """input_file: texts (paths or glob patterns) to train on; vocab_file: the given vocabulary. One of both is None."""
    from dump2bert.tokenization import load_vocabulary

    if bool(input_file) == bool(vocab_file):
        raise BadInput("give either --input_file, to train a vocabulary, or --vocab_file, to check one")
    if vocab_file:
        pieces = list(load_vocabulary(vocab_file))
        say(f"{vocab_file} has {len(pieces)} WordPieces")
    else:
        from dump2bert.pretraining.documents import input_files, lines_of
        from dump2bert.pretraining.vocabulary import train_vocabulary

        pieces = train_vocabulary(lines_of(input_files(input_file)), vocab_size, min_frequency, do_lower_case)
    with atomic_write(output) as file:
        file.writelines(f"{piece}\n" for piece in pieces)
