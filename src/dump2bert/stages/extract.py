"""A wiki export, or one part of a multistream one -> its articles, by WikiExtractor; every page accounted for."""

from dump2bert.errors import BadInput
from dump2bert.files import write_json


def run(*, dump, output, statistics, processes, cut_off, streams, templates, part):
    """streams: the file that `cut` has written, part: which of its parts, templates: those of all parts; None: a dump
    in one piece."""
    from dump2bert.corpus.extraction import extract
    from dump2bert.corpus.multistream import extract_part

    if len({streams is None, part is None, templates is None}) > 1:
        raise BadInput("--streams, --part and --templates belong together: they name one part of a multistream dump")
    if streams is None:
        found = extract(dump, output, processes, cut_off)
    else:
        found = extract_part(dump, streams, part, templates, output, processes)
    write_json(statistics, found)
