# Pretraining and its evaluation, per network.

NETWORKS = CONFIG.networks


def get_network(name):
    """The keys that describe the network itself, as the JSON that --network takes."""
    return json.dumps({key: value for key, value in plain(NETWORKS[name]).items()
                       if key not in ("like", "start", "pretrain") and value is not None})


def get_pretrain_network(wildcards):
    return get_network(wildcards.network)


def get_pretrain_flags(wildcards):
    return get_flags({"device_target": CONFIG.device_target, **get_optimizing(NETWORKS[wildcards.network].pretrain)})


def get_state_flags(wildcards):
    """Where training state lies and what to do with older state: it changes no result, so it is no param."""
    return shlex.join(get_flags({"state_dir": f"{CONFIG.state.rstrip('/')}/{wildcards.network}", "fresh": CONFIG.fresh,
                                 "adopt_state": CONFIG.adopt_state}))


def get_pretrained():
    """The models and evaluations of all networks that this run pretrains."""
    names = [name for name, network in NETWORKS.items() if network.start == "pretrain"]
    return expand(f"{RESULTS}/networks/{{network}}/{{file}}", network=names,
                  file=["pretrain/model.ckpt", "pretrain/network.json", "pretrain/metrics.jsonl", "pretrain_eval/metrics.json"])


rule pretrain:
    message: "Pretraining {wildcards.network}"
    params:
        code=code_digest("stages.pretrain"),
        network=get_pretrain_network,
        flags=get_pretrain_flags,
        data_dir=f"{PRETRAINING_DATA}/train",
        folder=f"{RESULTS}/networks/{{network}}/pretrain",
    input:
        # The shards count by what statistics.json says of them (sha256 and size of each).
        shards=ancient(get_shards("train")),
        manifest=f"{PRETRAINING_DATA}/train/statistics.json",
        schema=f"{PRETRAINING_DATA}/train/schema.json",
        vocab_file=VOCABULARY,
    output:
        model=f"{RESULTS}/networks/{{network}}/pretrain/model.ckpt",
        network=f"{RESULTS}/networks/{{network}}/pretrain/network.json",
        metrics=f"{RESULTS}/networks/{{network}}/pretrain/metrics.jsonl",
    log: f"{RESULTS}/logs/pretrain/{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/pretrain/{{network}}.tsv"
    threads: CONFIG.threads.pretrain
    resources:
        mem_mb=get_memory(6000),
        state=get_state_flags,
    # exec: the trainer is Snakemake's own child and notices when Snakemake is killed.
    shell:
        "exec dump2bert --log {log:q} pretrain --network {params.network:q} {params.flags:q} {resources.state}"
        " --data_dir {params.data_dir:q} --schema_dir {input.schema:q} --vocab_file {input.vocab_file:q}"
        " --save_checkpoint_path {params.folder:q} --stop_with_parent true"


rule pretrain_eval:
    message: "Evaluating the pretraining of {wildcards.network}"
    params:
        code=code_digest("stages.pretrain_eval"),
        flags=get_flags({"device_target": CONFIG.device_target, **plain(CONFIG.pretrain_eval)}),
        data_dir=f"{PRETRAINING_DATA}/held_out",
    input:
        model=f"{RESULTS}/networks/{{network}}/pretrain/model.ckpt",
        network=f"{RESULTS}/networks/{{network}}/pretrain/network.json",
        shards=ancient(get_shards("held_out")),
        manifest=f"{PRETRAINING_DATA}/held_out/statistics.json",
        schema=f"{PRETRAINING_DATA}/held_out/schema.json",
    output: f"{RESULTS}/networks/{{network}}/pretrain_eval/metrics.json"
    log: f"{RESULTS}/logs/pretrain_eval/{{network}}.log"
    benchmark: f"{RESULTS}/benchmarks/pretrain_eval/{{network}}.tsv"
    threads: CONFIG.threads.predict
    resources: mem_mb=get_memory(4000)
    shell:
        "dump2bert --log {log:q} pretrain_eval {params.flags:q} --checkpoint {input.model:q} --data_dir {params.data_dir:q}"
        " --schema_dir {input.schema:q} --split held_out --output {output:q}"
