# Pages: one per task, one for the run.


def get_page_values():
    """What the pages show of the configuration; not what changes no result (and so must not make a page stale)."""
    values = {key: value for key, value in plain(CONFIG).items()
              if key not in ("threads", "state", "fresh", "adopt_state", "keep_intermediate")}
    del values["extract"]["processes"]
    return json.dumps(without_idle_optimizers(values))


def without_idle_optimizers(values):
    """Options of optimizers that are not chosen change no result."""
    if not isinstance(values, dict):
        return values
    idle = {"Lamb", "AdamWeightDecay", "Momentum"} - {values.get("optimizer")} if "optimizer" in values else set()
    return {key: without_idle_optimizers(value) for key, value in values.items() if key not in idle}


def get_task_page_values(wildcards):
    """The same for one task: what differs for another task must not make this one's page stale."""
    values = json.loads(get_page_values())
    names = TASKS[wildcards.task].networks or NETWORKS
    values["tasks"] = {wildcards.task: values["tasks"][wildcards.task]}
    values["networks"] = {name: network for name, network in values["networks"].items() if name in names}
    return json.dumps(values)


def get_task_scores(wildcards):
    return get_runs(wildcards.task, "metrics.json")


def get_all_scores():
    return [file for task in TASKS for file in get_runs(task, "metrics.json")]


rule task_page:
    message: "Writing the page of {wildcards.task}"
    params:
        code=code_digest("stages.report"),
        config=get_task_page_values,
    input:
        scores=get_task_scores,
        test_predictions=get_test_predictions,    # not shown: made with the rest of the task
    output: f"{RESULTS}/report/{{task}}.html"
    log: f"{RESULTS}/logs/report/{{task}}.log"
    benchmark: f"{RESULTS}/benchmarks/report/{{task}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell:
        "dump2bert --log {log:q} report --task {wildcards.task} --config {params.config:q} --results_dir {RESULTS:q}"
        " --output {output:q}"


rule report:
    message: "Writing the page of the run: {output}"
    params:
        code=code_digest("stages.report"),
        config=get_page_values(),
    input:
        pretrained=get_pretrained(),
        scores=get_all_scores(),
        pages=expand(f"{RESULTS}/report/{{task}}.html", task=TASKS),
    output: f"{RESULTS}/report/index.html"
    log: f"{RESULTS}/logs/report/index.log"
    benchmark: f"{RESULTS}/benchmarks/report/index.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell: "dump2bert --log {log:q} report --config {params.config:q} --results_dir {RESULTS:q} --output {output:q}"
