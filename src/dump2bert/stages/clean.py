"""Articles or text of one part -> one sentence a line, a blank line between documents."""

from dump2bert.files import write_json


def run(*, input_file, input_format, output, statistics, language, variant, accept_empty):
    from dump2bert.corpus.cleaning import clean
    write_json(statistics, clean(input_file, input_format, output, language, variant, accept_empty))
