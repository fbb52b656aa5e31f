"""A wiki export -> its articles, by WikiExtractor; every page accounted for."""

from dump2bert.files import write_json


def run(*, dump, output, statistics, processes, cut_off):
    from dump2bert.corpus.extraction import extract
    write_json(statistics, extract(dump, output, processes, cut_off))
