# Sentences -> TFRecord shards of masked instances -> validation -> schema.json; for training and held-out documents.

PRETRAINING_DATA = f"{RESULTS}/pretraining_data"


def get_data_section(split):
    """The options of a part of the data: of train, held_out, or the second phase's phase2/train, phase2/held_out."""
    data = CONFIG.pretraining_data
    return data.phase2 if split.startswith("phase2/") else data


def get_shards(split):
    """The held-out set is small and is read by one process: one shard."""
    count = get_data_section(split).shards if split.endswith("train") else 1
    return [f"{PRETRAINING_DATA}/{split}/part-{number:05}-of-{count:05}.tfrecord" for number in range(count)]


def get_pretraining_data_flags(split):
    """The held-out documents are gone through once: more masks of them would not make a better measurement."""
    values = {**plain(get_data_section(split)), "do_lower_case": CONFIG.vocabulary.do_lower_case}
    del values["shards"]
    values.pop("phase2", None)
    if split.endswith("held_out"):
        values["dupe_factor"] = 1
    return get_flags(values)


def get_segmenter(split):
    """The module that is loaded where Chinese words are masked as a whole."""
    return ["pretraining.word_segmentation"] * (get_data_section(split).word_segmenter != "none")


def get_splits():
    """{rule: part of the data}. Only what is configured: the second phase's rules are there where it is."""
    splits = {"pretraining_data": "train", "pretraining_data_held_out": "held_out"}
    if CONFIG.pretraining_data.phase2:
        splits |= {"pretraining_data_phase2": "phase2/train", "pretraining_data_phase2_held_out": "phase2/held_out"}
    return splits


for name, split in get_splits().items():

    rule:
        name: name
        message: f"Making the {split} instances"
        params:
            code=code_digest("stages.pretraining_data", *get_segmenter(split)),
            flags=get_pretraining_data_flags(split),
            folder=f"{PRETRAINING_DATA}/{split}",
            shards=f"part-*-of-{len(get_shards(split)):05}.tfrecord",
        input:
            text=get_texts(split.removeprefix("phase2/")),
            vocab_file=VOCABULARY,
        output:
            shards=get_shards(split),
            statistics=f"{PRETRAINING_DATA}/{split}/statistics.json",
        log: f"{RESULTS}/logs/pretraining_data/{split}.log"
        benchmark: f"{RESULTS}/benchmarks/pretraining_data/{split}.tsv"
        threads: CONFIG.threads.pretraining_data if split.endswith("train") else 1
        resources: mem_mb=get_memory(4000)
        shell:
            "dump2bert --log {log:q} pretraining_data {params.flags:q} --input_file {input.text:q}"
            " --vocab_file {input.vocab_file:q} --output_file {output.shards:q} --statistics {output.statistics:q}"
            " --workers {threads}"
            # What an earlier run with another number of shards has left would be read with these.
            " && find {params.folder:q} -maxdepth 1 -name 'part-*-of-*.tfrecord' -not -name {params.shards:q} -delete"


def get_split_shards(wildcards):
    return get_shards(wildcards.split)


rule schema:
    message: "Validating the {wildcards.split} shards"
    params:
        code=code_digest("stages.schema"),
        flags=get_flags(get_gates(DataGates, "min_sentences_per_document")),
        folder=f"{PRETRAINING_DATA}/{{split}}",
    input:
        shards=get_split_shards,
        statistics=f"{PRETRAINING_DATA}/{{split}}/statistics.json",
        vocab_file=VOCABULARY,
    output: f"{PRETRAINING_DATA}/{{split}}/schema.json"
    log: f"{RESULTS}/logs/schema/{{split}}.log"
    benchmark: f"{RESULTS}/benchmarks/schema/{{split}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(2000)
    shell:
        "dump2bert --log {log:q} schema {params.flags:q} --data_dir {params.folder:q} --vocab_file {input.vocab_file:q}"
        " --output {output:q}"
