"""A multistream dump and its index -> where to cut it into parts."""

from dump2bert.files import write_json


def run(*, dump, index, output, parts):
    from dump2bert.corpus.multistream import cut
    write_json(output, cut(dump, index, parts))
