# From a wiki dump to a pretrained BERT or NEZHA and its scores. Each rule is one stage: the command `dump2bert STAGE`.
#
#   snakemake                  everything, to results/report/index.html
#   snakemake pretrain_all     every configured network, pretrained and evaluated
#   snakemake pretrain_eval_all  the same evaluation of imported networks, too
#   snakemake export_all       every pretrained or imported network as a Hugging Face folder
#   snakemake TASK_report      one task (cluener_report), all that it needs and no more
#   snakemake -n               what would run, and why

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/sample.smk"
include: "rules/corpus.smk"
include: "rules/vocabulary.smk"
include: "rules/pretraining_data.smk"
include: "rules/pretrain.smk"
include: "rules/finetune.smk"
include: "rules/report.smk"


workflow.default_target = "report"  # the directive default_target has no effect in an included file


rule pretrain_all:
    message: "All networks are pretrained and evaluated"
    input: get_pretrained()


rule pretrain_eval_all:
    message: "All pretrained and imported networks are evaluated on held-out documents"
    input: get_evaluated()


rule export_all:
    message: "All pretrained and imported networks are Hugging Face folders"
    input: get_exported()


for task in CONFIG.tasks:

    rule:
        name: f"{task}_report"
        message: f"The page of {task} is at {RESULTS}/report/{task}.html"
        input:
            f"{RESULTS}/report/{task}.html",
            get_runs(task, "model.ckpt", f"predictions.{get_form(task)}", "metrics.json"),


onerror:
    # Snakemake notes of a failed job, too, what its outputs were made of, though it deletes them: where later outputs still
    # stand from before, the next run would find nothing to be done.
    for job in workflow.scheduler.failed:
        workflow.persistence.cleanup(job)
