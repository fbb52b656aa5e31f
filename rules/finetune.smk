# Task data, and per network, variant (TASK or TASK-crf) and seed: finetune -> predict -> evaluate.

TASKS = CONFIG.tasks
# Kind of task -> kind of `dump2bert finetune`, and the flags that tell it from others of that kind.
KINDS = {"ner": ("ner", {}), "classification": ("classifier", {}),
         "regression": ("classifier", {"assessment_method": "spearman_correlation"}), "squad": ("squad", {})}
# Options that one kind alone reads: they make nothing of another stale.
OWN_OPTIONS = {"squad": ["doc_stride", "max_query_length", "n_best_size", "max_answer_length"],
               "ner": ["forbid_illegal_labels"]}
VARIANTS = {f"{name}-crf" if use_crf else name: (name, use_crf) for name, task in TASKS.items() for use_crf in task.use_crf}


def get_task_place(name, split):
    """The records of a task: a file of their own, or a member of the task's archive."""
    task, places = TASKS[name], getattr(TASKS[name], split)
    if task.archive:
        key = f"tasks.{name}.archive"
        archive = get_place(task.archive, key, f"{name}_archive", sha256=task.sha256)     # fetched once
        return get_place([archive], key, f"{name}_{split}", member=places[0])
    return get_place(places, f"tasks.{name}.{split}", f"{name}_{split}")


TASK_FILES = {(name, split): get_task_place(name, split) for name in TASKS for split in ("train", "dev", "test")
              if getattr(TASKS[name], split)}

RUN = f"{RESULTS}/networks/{{network}}/tasks/{{variant}}/seed-{{seed}}"


def get_task(wildcards):
    return TASKS[VARIANTS[wildcards.variant][0]]


def get_task_train(wildcards):
    return TASK_FILES[wildcards.task, "train"]


def get_task_dev(wildcards):
    return TASK_FILES[wildcards.task, "dev"]


def get_task_data_code(wildcards):
    return code_digest("stages.task_data", f"tasks.{TASKS[wildcards.task].kind}.task_data")


def get_task_data_flags(wildcards):
    task = TASKS[wildcards.task]
    return get_flags({"task": wildcards.task, "kind": task.kind, "train_records": task.train_records,
                      "max_seq_length": task.finetune.max_seq_length,
                      "do_lower_case": CONFIG.vocabulary.do_lower_case, **get_data_form(task),
                      **get_options(task, ["doc_stride", "max_query_length"])})


def get_data_form(task):
    """What the task's files hold, where it is not what its name says."""
    return {name: getattr(task, name) for name in ("spec", "format", "fields", "labels")}


def get_options(task, names=None):
    """The finetuning options that a task's kind reads; with `names` those of its own kind alone that are among them."""
    values = get_optimizing(task.finetune)
    if names:
        return {name: values[name] for name in OWN_OPTIONS.get(task.kind, []) if name in names}
    others = {name for kind, own in OWN_OPTIONS.items() if kind != task.kind for name in own}
    return {name: value for name, value in values.items() if name not in others}


def get_tasks(*kinds):
    """A pattern of the tasks of these kinds; one that nothing matches where there are none."""
    return "|".join(name for name, task in TASKS.items() if task.kind in kinds) or "(?!)"


def get_task_file(file):
    """A file of the task that a variant belongs to."""

    def find(wildcards):
        return f"{RESULTS}/tasks/{VARIANTS[wildcards.variant][0]}/{file}"

    return find


def get_gold(wildcards):
    return TASK_FILES[VARIANTS[wildcards.variant][0], "dev"]


def get_test(wildcards):
    return TASK_FILES[VARIANTS[wildcards.variant][0], "test"]


def get_start(wildcards):
    """The checkpoint that finetuning starts from: this run's own, an imported one, or none."""
    return [] if get_origin(wildcards.network) == "random" else f"{get_weights(wildcards.network)}/model.ckpt"


def get_start_network(wildcards):
    return [] if get_origin(wildcards.network) == "random" else f"{get_weights(wildcards.network)}/network.json"


def get_finetune_network(name):
    """The network's keys for --network; an imported one says itself what it is."""
    return None if NETWORKS[name].is_imported else json.loads(get_network(name))


def get_finetune_code(stage):
    """Code of a stage of finetuning: that of the kind of task with it, and the CRF only where it is used."""

    def digest(wildcards):
        use_crf = VARIANTS[wildcards.variant][1]
        return code_digest(f"stages.{stage}", f"tasks.{get_task(wildcards).kind}.{stage}", *["nets.crf"] * use_crf)

    return digest


def get_finetune_flags(wildcards):
    values = get_options(get_task(wildcards))
    kind, own = KINDS[get_task(wildcards).kind]
    if get_task(wildcards).assessment_method:
        own = {"assessment_method": get_task(wildcards).assessment_method}
    return [kind,
            *get_flags({"device_target": CONFIG.device_target, **values, **own, "use_crf": VARIANTS[wildcards.variant][1],
                        "task": VARIANTS[wildcards.variant][0], "do_lower_case": CONFIG.vocabulary.do_lower_case,
                        "seed": int(wildcards.seed), "network": get_finetune_network(wildcards.network)})]


def get_schema(wildcards):
    squad = get_task(wildcards).kind == "squad"
    return get_task_file("schema_train.json" if squad else "schema.json")(wildcards)


def get_labels(wildcards):
    return [] if get_task(wildcards).kind == "squad" else get_task_file("labels.json")(wildcards)


def get_questions(wildcards):
    """The answers that squad is evaluated against while it is finetuned."""
    return get_gold(wildcards) if get_task(wildcards).kind == "squad" else []


def get_not_fitting(wildcards):
    """Where it stands which entities the labels of ner's records do not say: they count as missed."""
    return get_task_file("statistics.json")(wildcards) if get_task(wildcards).kind == "ner" else []


def get_file_flags(wildcards, input):
    """Files that not every kind of task and start has."""
    return get_flags({"load_pretrain_checkpoint_path": input.start or None, "label2id_file_path": input.labels or None,
                      "eval_json_path": input.questions or None})


def get_form(task, split="dev"):
    """The form of a task's predictions: GLUE's tsv where the records are a table of labels or scores, else JSON lines."""
    is_table = TASK_FILES[task, split].removesuffix(".gz").endswith((".tsv", ".csv"))
    return "tsv" if is_table and TASKS[task].kind in ("classification", "regression") else "json"


def get_variants(form, *kinds, split="dev"):
    """A pattern of the variants of these kinds whose predictions for a split have this form; one that nothing matches where
    there are none."""
    return "|".join(variant for variant, (task, _) in VARIANTS.items() if (task, split) in TASK_FILES
                    and get_form(task, split) == form and TASKS[task].kind in kinds) or "(?!)"


def get_predictions(wildcards):
    return f"{RUN}/predictions.{get_form(VARIANTS[wildcards.variant][0])}"


def get_predict_flags(wildcards, output):
    return get_flags({"device_target": CONFIG.device_target, **get_data_form(get_task(wildcards)),
                      "nbest_predictions": output.get("nbest")})


def get_evaluate_flags(wildcards):
    return get_flags({"task": VARIANTS[wildcards.variant][0], "kind": get_task(wildcards).kind,
                      "network": wildcards.network, "variant": wildcards.variant, "seed": int(wildcards.seed), "split": "dev",
                      **get_data_form(get_task(wildcards))})


def get_runs(task, *files):
    """Files of every network, variant and seed configured for a task."""
    return [f"{RESULTS}/networks/{network}/tasks/{variant}/seed-{seed}/{file}"
            for network in (TASKS[task].networks or NETWORKS)
            for variant, (name, _) in VARIANTS.items() if name == task
            for seed in TASKS[task].seeds for file in files]


def get_test_predictions(wildcards):
    """Predictions of all runs of a task for its test records, if it has any."""
    if not TASKS[wildcards.task].test:
        return []
    return get_runs(wildcards.task, f"test_predictions.{get_form(wildcards.task, 'test')}")


rule task_data:
    message: "Making the records of {wildcards.task}"
    params:
        code=get_task_data_code,
        flags=get_task_data_flags,
        folder=f"{RESULTS}/tasks/{{task}}",
    input:
        train=get_task_train,
        dev=get_task_dev,
        vocab_file=VOCABULARY,
    output:
        train=f"{RESULTS}/tasks/{{task}}/train.tfrecord",
        dev=f"{RESULTS}/tasks/{{task}}/dev.tfrecord",
        schema=f"{RESULTS}/tasks/{{task}}/schema.json",
        labels=f"{RESULTS}/tasks/{{task}}/labels.json",
        statistics=f"{RESULTS}/tasks/{{task}}/statistics.json",
    wildcard_constraints: task=get_tasks("ner", "classification", "regression")
    log: f"{RESULTS}/logs/task_data/{{task}}.log"
    benchmark: f"{RESULTS}/benchmarks/task_data/{{task}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell:
        "dump2bert --log {log:q} task_data {params.flags:q} --train {input.train:q} --dev {input.dev:q}"
        " --vocab_file {input.vocab_file:q} --output_dir {params.folder:q}"


use rule task_data as task_data_squad with:
    output:
        train=f"{RESULTS}/tasks/{{task}}/train.tfrecord",
        dev=f"{RESULTS}/tasks/{{task}}/dev.tfrecord",
        schema_train=f"{RESULTS}/tasks/{{task}}/schema_train.json",
        schema_eval=f"{RESULTS}/tasks/{{task}}/schema_eval.json",
        statistics=f"{RESULTS}/tasks/{{task}}/statistics.json",
    wildcard_constraints: task=get_tasks("squad")


rule finetune:
    message: "Finetuning {wildcards.network} on {wildcards.variant}, seed {wildcards.seed}"
    params:
        code=get_finetune_code("finetune"),
        flags=get_finetune_flags,
        files=get_file_flags,
        folder=RUN,
    input:
        start=get_start,
        start_network=get_start_network,
        train=get_task_file("train.tfrecord"),
        dev=get_task_file("dev.tfrecord"),
        schema=get_schema,
        labels=get_labels,
        questions=get_questions,
        not_fitting=get_not_fitting,
        vocab_file=VOCABULARY,
    output:
        model=f"{RUN}/model.ckpt",
        network=f"{RUN}/network.json",
        metrics=f"{RUN}/metrics.jsonl",
        answers=f"{RUN}/answers.npz",
    log: f"{RESULTS}/logs/finetune/{{network}}/{{variant}}-{{seed}}.log"
    benchmark: f"{RESULTS}/benchmarks/finetune/{{network}}/{{variant}}-{{seed}}.tsv"
    threads: CONFIG.threads.finetune
    resources:
        mem_mb=get_memory(6000),
        accelerator=ACCELERATORS,
    # exec: as in the rule pretrain.
    shell:
        "exec dump2bert --log {log:q} finetune {params.flags:q} {params.files:q} --vocab_file_path {input.vocab_file:q}"
        " --schema_file_path {input.schema:q}"
        " --train_data_file_path {input.train:q} --eval_data_file_path {input.dev:q}"
        " --save_finetune_checkpoint_path {params.folder:q} --stop_with_parent true"


rule predict:
    message: "Predicting {wildcards.variant} with {wildcards.network}, seed {wildcards.seed}"
    params:
        code=get_finetune_code("predict"),
        flags=get_predict_flags,
    input:
        model=f"{RUN}/model.ckpt",
        network=f"{RUN}/network.json",
        answers=f"{RUN}/answers.npz",    # of the process that finetuned: nothing is compiled a second time
        vocab_file=VOCABULARY,
        gold=get_gold,
    output:
        predictions=f"{RUN}/predictions.json",
        label_ids=f"{RUN}/predictions.npz",
    wildcard_constraints: variant=get_variants("json", "ner", "classification", "regression")
    log: f"{RESULTS}/logs/predict/{{network}}/{{variant}}-{{seed}}.log"
    benchmark: f"{RESULTS}/benchmarks/predict/{{network}}/{{variant}}-{{seed}}.tsv"
    threads: CONFIG.threads.predict
    resources:
        mem_mb=get_memory(4000),
        accelerator=ACCELERATORS,
    shell:
        "dump2bert --log {log:q} predict {params.flags:q} --checkpoint {input.model:q} --vocab_file {input.vocab_file:q}"
        " --input {input.gold:q} --output {output.predictions:q} --label_ids {output.label_ids:q}"
        " --answers {input.answers:q}"


use rule predict as predict_table with:
    output:
        predictions=f"{RUN}/predictions.tsv",
        label_ids=f"{RUN}/predictions.npz",
    wildcard_constraints: variant=get_variants("tsv", "classification", "regression")


use rule predict as predict_squad with:
    output:
        predictions=f"{RUN}/predictions.json",
        label_ids=f"{RUN}/predictions.npz",
        nbest=f"{RUN}/predictions.nbest.json",
    wildcard_constraints: variant=get_variants("json", "squad")


rule predict_test:
    message: "Predicting the test records of {wildcards.variant} with {wildcards.network}, seed {wildcards.seed}"
    params:
        code=get_finetune_code("predict"),
        flags=get_predict_flags,
    input:
        model=f"{RUN}/model.ckpt",
        network=f"{RUN}/network.json",
        vocab_file=VOCABULARY,
        records=get_test,
    output: f"{RUN}/test_predictions.json"
    wildcard_constraints: variant=get_variants("json", *KINDS, split="test")
    log: f"{RESULTS}/logs/predict/{{network}}/{{variant}}-{{seed}}-test.log"
    benchmark: f"{RESULTS}/benchmarks/predict/{{network}}/{{variant}}-{{seed}}-test.tsv"
    threads: CONFIG.threads.predict
    resources:
        mem_mb=get_memory(4000),
        accelerator=ACCELERATORS,
    shell:
        "dump2bert --log {log:q} predict {params.flags:q} --checkpoint {input.model:q} --vocab_file {input.vocab_file:q}"
        " --input {input.records:q} --output {output:q}"


use rule predict_test as predict_test_table with:
    output: f"{RUN}/test_predictions.tsv"
    wildcard_constraints: variant=get_variants("tsv", *KINDS, split="test")


rule evaluate:
    message: "Scoring {wildcards.variant} of {wildcards.network}, seed {wildcards.seed}"
    params:
        code=get_finetune_code("evaluate"),
        flags=get_evaluate_flags,
    input:
        gold=get_gold,
        predictions=get_predictions,
        label_ids=f"{RUN}/predictions.npz",
    output: f"{RUN}/metrics.json"
    log: f"{RESULTS}/logs/evaluate/{{network}}/{{variant}}-{{seed}}.log"
    benchmark: f"{RESULTS}/benchmarks/evaluate/{{network}}/{{variant}}-{{seed}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell:
        "dump2bert --log {log:q} evaluate {params.flags:q} --gold {input.gold:q} --predictions {input.predictions:q}"
        " --label_ids {input.label_ids:q} --output {output:q}"
