"""Sentences of all parts -> training and held-out documents; what is no text and duplicates dropped."""

from dump2bert.files import write_json


def run(*, input_file, part_statistics, train_dir, held_out_dir, statistics, language, held_out, near_duplicate,
        min_characters, min_script_share, max_digit_share, max_list_share, min_sentences_per_document,
        max_dropped_share, max_duplicate_share):
    from dump2bert.corpus.quality import DocumentRules
    from dump2bert.corpus.splitting import Gates, split

    rules = DocumentRules(min_characters, min_script_share, max_digit_share, max_list_share)
    gates = Gates(min_sentences_per_document, max_dropped_share, max_duplicate_share)
    write_json(statistics, split(input_file, part_statistics, train_dir, held_out_dir, language, held_out, near_duplicate,
                                 rules, gates))
