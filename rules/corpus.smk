# download -> extract -> clean, each source by itself and side by side -> split into training and held-out documents.

SOURCES = CONFIG.corpus.sources
SOURCE_FILES = {name: get_place(source.places, f"corpus.sources.{name}", name, **get_fetched(source))
                for name, source in SOURCES.items()}


def get_source_file(wildcards):
    return SOURCE_FILES[wildcards.source]


def get_cleaned_input(wildcards):
    """A dump comes through `extract`; a plain text is cleaned as it is."""
    if SOURCES[wildcards.source].dump:
        return f"{RESULTS}/corpus/articles/{wildcards.source}.jsonl.gz"
    return SOURCE_FILES[wildcards.source]


def get_clean_flags(wildcards):
    return get_flags({"input_format": "articles" if SOURCES[wildcards.source].dump else "text",
                      "language": CONFIG.corpus.language, **plain(CONFIG.clean)})


def get_split_flags():
    return get_flags({"language": CONFIG.corpus.language, **plain(CONFIG.split), **get_gates(CorpusGates)})


def get_texts(split):
    return expand(f"{RESULTS}/corpus/text/{split}/{{source}}.txt", source=SOURCES)


def get_download_flags(wildcards):
    return get_flags(DOWNLOADS[wildcards.file])


def get_download_input(wildcards):
    """Places on this machine are files like any other."""
    return [place for place in DOWNLOADS[wildcards.file]["url"] if "://" not in place]


rule download:
    message: "Fetching {wildcards.file}"
    params:
        code=code_digest("stages.download"),
        flags=get_download_flags,
    input: get_download_input
    output: f"{RESULTS}/downloads/{{file}}"
    log: f"{RESULTS}/logs/download/{{file}}.log"
    benchmark: f"{RESULTS}/benchmarks/download/{{file}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(500)
    shell: "dump2bert --log {log:q} download {params.flags:q} --output {output:q}"


rule extract:
    message: "Extracting the articles of {wildcards.source}"
    params:
        code=code_digest("stages.extract"),
        cut_off=CONFIG.extract.cut_off,
    input: get_source_file
    output:
        articles=get_intermediate(f"{RESULTS}/corpus/articles/{{source}}.jsonl.gz"),
        statistics=f"{RESULTS}/corpus/articles/{{source}}.json",
    log: f"{RESULTS}/logs/extract/{{source}}.log"
    benchmark: f"{RESULTS}/benchmarks/extract/{{source}}.tsv"
    threads: CONFIG.extract.processes
    resources: mem_mb=get_memory(2000)
    shell:
        "dump2bert --log {log:q} extract --dump {input:q} --output {output.articles:q} --statistics {output.statistics:q}"
        " --processes {threads} --cut_off {params.cut_off:q}"


rule clean:
    message: "Cleaning {wildcards.source} into sentences"
    params:
        code=code_digest("stages.clean"),
        flags=get_clean_flags,
    input: get_cleaned_input
    output:
        text=get_intermediate(f"{RESULTS}/corpus/clean/{{source}}.txt"),
        statistics=f"{RESULTS}/corpus/clean/{{source}}.json",
    log: f"{RESULTS}/logs/clean/{{source}}.log"
    benchmark: f"{RESULTS}/benchmarks/clean/{{source}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell:
        "dump2bert --log {log:q} clean {params.flags:q} --input_file {input:q} --output {output.text:q}"
        " --statistics {output.statistics:q}"


rule split:
    message: "Splitting the documents into training and held-out ones"
    params:
        code=code_digest("stages.split"),
        flags=get_split_flags(),
        train_dir=f"{RESULTS}/corpus/text/train",
        held_out_dir=f"{RESULTS}/corpus/text/held_out",
    input:
        text=expand(f"{RESULTS}/corpus/clean/{{source}}.txt", source=SOURCES),
        statistics=expand(f"{RESULTS}/corpus/clean/{{source}}.json", source=SOURCES),
    output:
        train=get_texts("train"),
        held_out=get_texts("held_out"),
        statistics=f"{RESULTS}/corpus/statistics.json",
    log: f"{RESULTS}/logs/split.log"
    benchmark: f"{RESULTS}/benchmarks/split.tsv"
    threads: 1
    resources: mem_mb=get_memory(4000)
    shell:
        "dump2bert --log {log:q} split {params.flags:q} --input_file {input.text:q} --part_statistics {input.statistics:q}"
        " --train_dir {params.train_dir:q} --held_out_dir {params.held_out_dir:q} --statistics {output.statistics:q}"
