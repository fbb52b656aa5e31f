# Sentences -> TFRecord shards of masked instances -> validation -> schema.json; for training and held-out documents.

PRETRAINING_DATA = f"{RESULTS}/pretraining_data"


def get_shards(split):
    """The held-out set is small and is read by one process: one shard."""
    count = CONFIG.pretraining_data.shards if split == "train" else 1
    return [f"{PRETRAINING_DATA}/{split}/part-{number:05}-of-{count:05}.tfrecord" for number in range(count)]


def get_pretraining_data_flags(split):
    """The held-out documents are gone through once: more masks of them would not make a better measurement."""
    values = {**plain(CONFIG.pretraining_data), "do_lower_case": CONFIG.vocabulary.do_lower_case}
    del values["shards"]
    if split == "held_out":
        values["dupe_factor"] = 1
    return get_flags(values)


for split in ("train", "held_out"):

    rule:
        name: "pretraining_data" if split == "train" else "pretraining_data_held_out"
        message: f"Making the {split} instances"
        params:
            code=code_digest("stages.pretraining_data"),
            flags=get_pretraining_data_flags(split),
        input:
            text=get_texts(split),
            vocab_file=VOCABULARY,
        output:
            shards=get_shards(split),
            statistics=f"{PRETRAINING_DATA}/{split}/statistics.json",
        log: f"{RESULTS}/logs/pretraining_data/{split}.log"
        benchmark: f"{RESULTS}/benchmarks/pretraining_data/{split}.tsv"
        threads: 2 if split == "train" else 1
        resources: mem_mb=get_memory(4000)
        shell:
            "dump2bert --log {log:q} pretraining_data {params.flags:q} --input_file {input.text:q}"
            " --vocab_file {input.vocab_file:q} --output_file {output.shards:q} --statistics {output.statistics:q}"
            " --workers {threads}"


def get_split_shards(wildcards):
    return get_shards(wildcards.split)


rule schema:
    message: "Validating the {wildcards.split} shards"
    params:
        code=code_digest("stages.schema"),
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
    shell: "dump2bert --log {log:q} schema --data_dir {params.folder:q} --vocab_file {input.vocab_file:q} --output {output:q}"
