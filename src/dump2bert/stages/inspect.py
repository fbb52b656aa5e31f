"""A file of the pipeline -> lines of text about what is inside, on standard output."""


def run(*, path, vocab_file, records):
    from dump2bert.inspection.files import inspect

    for line in inspect(path, vocab_file, records):
        print(line)
