"""The templates in one part of a multistream dump; articles of every part include them."""


def run(*, dump, streams, part, output):
    from dump2bert.corpus.multistream import write_templates
    write_templates(dump, streams, part, output)
