# Pretraining and its evaluation, import and export, per network.

NETWORKS = CONFIG.networks


# Keys of a network that say how it comes by its weights, not what it is.
COMING_BY = {"like", "start", "further_pretraining", "pretrain"}


def get_network(name):
    """The keys that describe the network itself, as the JSON that --network takes."""
    return json.dumps({key: value for key, value in plain(NETWORKS[name]).items()
                       if key not in COMING_BY and value is not None})


def get_pretrain_network(wildcards):
    """What --network takes: an imported network says itself what it is."""
    name = wildcards.network
    return f"{RESULTS}/networks/{name}/import/network.json" if NETWORKS[name].is_imported else get_network(name)


def get_origin(name):
    """The stage that gives a network its own weights: pretrain, random (there is none), or import."""
    network = NETWORKS[name]
    return "pretrain" if network.is_pretrained else "import" if network.is_imported else "random"


def get_imported_files(wildcards):
    """What an imported network is read from; Snakemake looks at the files' contents."""
    place = NETWORKS[wildcards.network].start
    path = Path(place)
    files = [file for file in sorted(path.iterdir()) if is_read(file)] if path.is_dir() else [
        file for file in (path, path.with_name("network.json"), path.with_name("bert_config.json"),
                          *sorted(path.parent.glob(f"{path.name.removesuffix('.index')}.*"))) if file.is_file()]
    if not files:
        sys.exit(f"error: config: networks.{wildcards.network}.start names {place}, which is not there")
    return [str(file) for file in dict.fromkeys(files)]


def is_read(file):
    return file.is_file() and (file.name in ("config.json", "bert_config.json", "network.json", "vocab.txt", "tokenizer.json",
                                             "tokenizer_config.json")
                               or file.suffix in (".safetensors", ".bin", ".ckpt", ".index") or ".safetensors." in file.name
                               or ".bin.index" in file.name or ".data-" in file.name)


def get_import_flags(wildcards):
    network = NETWORKS[wildcards.network]
    given = network.model_fields_set - {*COMING_BY, "compute_type"}
    keys = {key: value for key, value in plain(network).items() if key in given and value is not None}
    compute_type = network.compute_type if "compute_type" in network.model_fields_set else None
    return get_flags({"compute_type": compute_type, "network_keys": keys or None})


def get_import_source(wildcards):
    return NETWORKS[wildcards.network].start


def get_weights(name):
    """The folder of a network's own weights, before any finetuning."""
    return f"{RESULTS}/networks/{name}/{get_origin(name)}"


def get_own_model(wildcards):
    return f"{get_weights(wildcards.network)}/model.ckpt"


def get_own_network(wildcards):
    return f"{get_weights(wildcards.network)}/network.json"


def get_exported():
    """The exports of all networks that are pretrained or imported and that Hugging Face has a form for."""
    names = [name for name, network in NETWORKS.items()
             if get_origin(name) != "random" and network.relative_positions != "zoo"]
    return expand(f"{RESULTS}/networks/{{network}}/export/model.safetensors", network=names)


# The wildcard `phase` of a job is "" for the network's last (or only) phase of pretraining, whose outputs lie in
# networks/NETWORK/pretrain, and "phase1/" for the first of two, whose outputs lie in a folder of that name in it.


def get_pretrain_flags(wildcards):
    section = NETWORKS[wildcards.network].pretrain
    if section.phase2 and not wildcards.phase:
        section = section.phase2
    values = get_optimizing(section)
    values.pop("phase2", None)
    return get_flags({"device_target": CONFIG.device_target, **values})


def get_pretraining_set(wildcards, split="train"):
    """The part of pretraining_data that a job reads."""
    second = CONFIG.pretraining_data.phase2 and NETWORKS[wildcards.network].pretrain.phase2 and not wildcards.get("phase")
    return f"phase2/{split}" if second else split


def get_pretraining_folder(wildcards):
    return f"{PRETRAINING_DATA}/{get_pretraining_set(wildcards)}"


def get_pretraining_shards(wildcards):
    return get_shards(get_pretraining_set(wildcards))


def get_pretraining_file(name, split="train"):
    """A function for statistics.json or schema.json of the data that a job reads."""

    def get_file(wildcards):
        return f"{PRETRAINING_DATA}/{get_pretraining_set(wildcards, split)}/{name}"

    return get_file


def get_initial_weights(wildcards):
    """The model that a second phase, or further pretraining, begins with."""
    network, folder = NETWORKS[wildcards.network], f"{RESULTS}/networks/{wildcards.network}"
    if network.pretrain.phase2 and not wildcards.phase:
        return f"{folder}/pretrain/phase1/model.ckpt"
    return f"{folder}/import/model.ckpt" if network.is_imported else []


def get_imported_network(wildcards):
    return get_pretrain_network(wildcards) if NETWORKS[wildcards.network].is_imported else []


def get_start_flags(wildcards, input):
    return get_flags({"load_checkpoint_path": input.initial_weights or None})


def get_held_out_folder(wildcards):
    return f"{PRETRAINING_DATA}/{get_pretraining_set(wildcards, 'held_out')}"


def get_held_out_shards(wildcards):
    return get_shards(get_pretraining_set(wildcards, "held_out"))


def get_state_flags(wildcards):
    """Where training state lies and what to do with older state: it changes no result, so it is no param."""
    state_dir = get_state_dir(wildcards.network, wildcards.phase)
    adopted = [place for place in CONFIG.adopt_state or () if Path(place).parent == Path(state_dir)]
    return shlex.join(get_flags({"state_dir": state_dir, "fresh": CONFIG.fresh, "adopt_state": adopted[-1] if adopted else None}))


def get_state_dir(network, phase=""):
    return f"{CONFIG.state.rstrip('/')}/{network}/{phase}".rstrip("/")


def check_adopted():
    """Each state to go on from must be that of a job."""
    places = {Path(get_state_dir(name, phase)) for name, network in NETWORKS.items() if network.is_pretrained
              for phase in ("", "phase1/")}
    for place in CONFIG.adopt_state or ():
        if Path(place).parent not in places:
            sys.exit(f"error: config: adopt_state names {place}: name a folder in {' or '.join(sorted(map(str, places)))}")


check_adopted()


def get_pretrained():
    """The models and evaluations of all networks that this run pretrains."""
    names = [name for name, network in NETWORKS.items() if network.is_pretrained]
    return expand(f"{RESULTS}/networks/{{network}}/{{file}}", network=names,
                  file=["pretrain/model.ckpt", "pretrain/network.json", "pretrain/metrics.jsonl", "pretrain_eval/metrics.json"])


def get_evaluated():
    """The evaluations of all networks that are pretrained or imported."""
    names = [name for name in NETWORKS if get_origin(name) != "random"]
    return expand(f"{RESULTS}/networks/{{network}}/pretrain_eval/metrics.json", network=names)


rule pretrain:
    message: "Pretraining {wildcards.network} {wildcards.phase}"
    params:
        code=code_digest("stages.pretrain"),
        network=get_pretrain_network,
        flags=get_pretrain_flags,
        data_dir=get_pretraining_folder,
        start=get_start_flags,
        folder=f"{RESULTS}/networks/{{network}}/pretrain/{{phase}}",
    input:
        # The shards count by what statistics.json says of them (sha256 and size of each).
        shards=ancient(get_pretraining_shards),
        manifest=get_pretraining_file("statistics.json"),
        schema=get_pretraining_file("schema.json"),
        vocab_file=VOCABULARY,
        initial_weights=get_initial_weights,
        imported_network=get_imported_network,
    output:
        model=f"{RESULTS}/networks/{{network}}/pretrain/{{phase}}model.ckpt",
        network=f"{RESULTS}/networks/{{network}}/pretrain/{{phase}}network.json",
        metrics=f"{RESULTS}/networks/{{network}}/pretrain/{{phase}}metrics.jsonl",
    log: f"{RESULTS}/logs/pretrain/{{phase}}{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/pretrain/{{phase}}{{network}}.tsv"
    threads: CONFIG.threads.pretrain
    resources:
        mem_mb=get_memory(6000),
        state=get_state_flags,
        accelerator=ACCELERATORS,
    # exec: the trainer is Snakemake's own child and notices when Snakemake is killed.
    shell:
        "exec dump2bert --log {log:q} pretrain --network {params.network:q} {params.flags:q} {params.start:q} {resources.state}"
        " --data_dir {params.data_dir:q} --schema_dir {input.schema:q} --vocab_file {input.vocab_file:q}"
        " --save_checkpoint_path {params.folder:q} --stop_with_parent true"


rule pretrain_eval:
    message: "Evaluating {wildcards.network} on held-out documents"
    params:
        code=code_digest("stages.pretrain_eval"),
        flags=get_flags({"device_target": CONFIG.device_target, **plain(CONFIG.pretrain_eval)}),
        data_dir=get_held_out_folder,
    input:
        model=get_own_model,
        network=get_own_network,
        shards=ancient(get_held_out_shards),
        manifest=get_pretraining_file("statistics.json", "held_out"),
        schema=get_pretraining_file("schema.json", "held_out"),
    output: f"{RESULTS}/networks/{{network}}/pretrain_eval/metrics.json"
    log: f"{RESULTS}/logs/pretrain_eval/{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/pretrain_eval/{{network}}.tsv"
    threads: CONFIG.threads.predict
    resources:
        mem_mb=get_memory(4000),
        accelerator=ACCELERATORS,
    shell:
        "dump2bert --log {log:q} pretrain_eval {params.flags:q} --checkpoint {input.model:q} --data_dir {params.data_dir:q}"
        " --schema_dir {input.schema:q} --split held_out --output {output:q}"


# Named so because `import` is a word of Python's own; the stage, its log and its outputs are called `import`.
rule:
    name: "import"
    message: "Importing {wildcards.network}"
    params:
        code=code_digest("stages.import"),
        flags=get_import_flags,
        source=get_import_source,
        folder=f"{RESULTS}/networks/{{network}}/import",
    input:
        source=get_imported_files,
        vocab_file=VOCABULARY,
    output:
        model=f"{RESULTS}/networks/{{network}}/import/model.ckpt",
        network=f"{RESULTS}/networks/{{network}}/import/network.json",
        vocab_file=f"{RESULTS}/networks/{{network}}/import/vocab.txt",
    log: f"{RESULTS}/logs/import/{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/import/{{network}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(6000)
    shell:
        "dump2bert --log {log:q} import {params.source:q} {params.folder:q} {params.flags:q} --vocab_file {input.vocab_file:q}"


rule export:
    message: "Exporting {wildcards.network}"
    params:
        code=code_digest("stages.export", "interop.huggingface"),
        flags=get_flags({"do_lower_case": CONFIG.vocabulary.do_lower_case}),
        folder=f"{RESULTS}/networks/{{network}}/export",
    input:
        model=get_own_model,
        network=get_own_network,
        vocab_file=VOCABULARY,
    output:
        model=f"{RESULTS}/networks/{{network}}/export/model.safetensors",
        network=f"{RESULTS}/networks/{{network}}/export/config.json",
        vocab_file=f"{RESULTS}/networks/{{network}}/export/vocab.txt",
        tokenizer=f"{RESULTS}/networks/{{network}}/export/tokenizer_config.json",
    log: f"{RESULTS}/logs/export/{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/export/{{network}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(6000)
    shell:
        "dump2bert --log {log:q} export {input.model:q} {params.folder:q} {params.flags:q} --vocab_file {input.vocab_file:q}"
