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
    del values["shards"], values["jobs"]
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


def get_jobs(split):
    """How many jobs share the writing of the shards."""
    return get_data_section(split).jobs if split.endswith("train") else 1


def get_statistics(split, jobs):
    """Where each job writes statistics: alone the data set's own, else such as `join` puts together."""
    if jobs == 1:
        return [f"{PRETRAINING_DATA}/{split}/statistics.json"]
    return [f"{PRETRAINING_DATA}/{split}/statistics-{job:05}-of-{jobs:05}.json" for job in range(jobs)]


for name, split in get_splits().items():
    jobs = get_jobs(split)

    for job, statistics in enumerate(get_statistics(split, jobs)):

        rule:
            name: name if jobs == 1 else f"{name}_{job + 1}_of_{jobs}"
            message: f"Making the {split} instances" + f", job {job + 1} of {jobs}" * (jobs > 1)
            params:
                code=code_digest("stages.pretraining_data", *get_segmenter(split)),
                flags=get_pretraining_data_flags(split),
                folder=f"{PRETRAINING_DATA}/{split}",
                all_shards=get_shards(split),
                shards=f"part-*-of-{len(get_shards(split)):05}.tfrecord",
                jobs=get_flags({"jobs": jobs, "job": job} if jobs > 1 else {}),
            input:
                text=get_texts(split.removeprefix("phase2/")),
                vocab_file=VOCABULARY,
            output:
                shards=get_shards(split)[job::jobs],
                statistics=statistics,
            log: f"{RESULTS}/logs/pretraining_data/{split}{f'-{job}' * (jobs > 1)}.log"
            benchmark: f"{RESULTS}/benchmarks/pretraining_data/{split}{f'-{job}' * (jobs > 1)}.tsv"
            threads: CONFIG.threads.pretraining_data if split.endswith("train") else 1
            resources: mem_mb=get_memory(4000)
            shell:
                "dump2bert --log {log:q} pretraining_data {params.flags:q} --input_file {input.text:q}"
                " --vocab_file {input.vocab_file:q} --output_file {params.all_shards:q} --statistics {output.statistics:q}"
                " --workers {threads} {params.jobs:q}"
                # What an earlier run with another number of shards has left would be read with these.
                " && find {params.folder:q} -ignore_readdir_race -maxdepth 1 -name 'part-*-of-*.tfrecord'"
                " -not -name {params.shards:q} -delete"

    if jobs > 1:

        rule:
            name: f"{name}_join"
            message: f"Joining the statistics of the {split} shards"
            params: code=code_digest("stages.join")
            input:
                statistics=get_statistics(split, jobs),
                shards=get_shards(split),
            output: f"{PRETRAINING_DATA}/{split}/statistics.json"
            log: f"{RESULTS}/logs/join/{split}.log"
            benchmark: f"{RESULTS}/benchmarks/join/{split}.tsv"
            threads: 1
            resources: mem_mb=get_memory(500)
            shell:
                "dump2bert --log {log:q} join --part_statistics {input.statistics:q} --output {output:q}"


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
