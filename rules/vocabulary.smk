# The WordPiece vocabulary: given or fetched, else trained on the training documents.

VOCABULARY = f"{RESULTS}/vocabulary/vocab.txt"


def get_vocabulary_source():
    """The given vocabulary, or the text to train one on."""
    if CONFIG.vocabulary.source:
        return {"vocab_file": get_place(CONFIG.vocabulary.source, "vocabulary.source", "vocabulary",
                                        **get_fetched(CONFIG.vocabulary))}
    return {"text": get_texts("train")}


def get_vocabulary_flags():
    names = ("do_lower_case",) if CONFIG.vocabulary.source else ("vocab_size", "min_frequency", "do_lower_case")
    return get_flags({name: getattr(CONFIG.vocabulary, name) for name in names})


rule vocabulary:
    message: "Making the vocabulary"
    params:
        code=code_digest("stages.vocabulary"),
        flags=get_vocabulary_flags(),
        source="--vocab_file" if CONFIG.vocabulary.source else "--input_file",
    input: **get_vocabulary_source()
    output: VOCABULARY
    log: f"{RESULTS}/logs/vocabulary.log"
    benchmark: f"{RESULTS}/benchmarks/vocabulary.tsv"
    threads: CONFIG.threads.vocabulary
    resources: mem_mb=get_memory(4000)
    shell: "dump2bert --log {log:q} vocabulary {params.flags:q} {params.source:q} {input:q} --output {output:q}"
