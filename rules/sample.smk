# The sample world: what the default run trains on. Configurations name its files as sample:FILE.


rule sample:
    message: "Writing the sample world"
    params:
        code=code_digest("stages.sample"),
        flags=get_flags(plain(CONFIG.sample)),
        folder=f"{RESULTS}/sample",
    output: expand(f"{RESULTS}/sample/{{file}}", file=SAMPLE_FILES)
    log: f"{RESULTS}/logs/sample.log"
    benchmark: f"{RESULTS}/benchmarks/sample.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell: "dump2bert --log {log:q} sample {params.flags:q} --output_dir {params.folder:q}"
