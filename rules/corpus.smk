# download -> extract -> clean, each source by itself and side by side -> split into training and held-out documents.
# A multistream dump with its index is cut into parts, which go through templates, extract and clean side by side.

SOURCES = CONFIG.corpus.sources
SOURCE_FILES = {name: get_place(source.places, f"corpus.sources.{name}", name, **get_fetched(source))
                for name, source in SOURCES.items()}
INDEX_FILES = {name: get_place(source.index, f"corpus.sources.{name}.index", name, sums_url=source.sums_url)
               for name, source in SOURCES.items() if source.index}
CORPUS = f"{RESULTS}/corpus"


def get_parts(source):
    """The names of a source's parts; one that is not cut is its only part."""
    if source not in INDEX_FILES:
        return [source]
    count = CONFIG.extract.parts
    return [f"{source}-{number:05}-of-{count:05}" for number in range(count)]


def get_all_parts():
    return [part for source in SOURCES for part in get_parts(source)]


def get_source(wildcards):
    """The source of a part."""
    return wildcards.part.partition("-")[0]


def get_number(wildcards):
    return int(wildcards.part.split("-")[1])


def get_source_file(wildcards):
    return SOURCE_FILES[wildcards.source]


def get_index_file(wildcards):
    return INDEX_FILES[wildcards.source]


def get_streams(wildcards):
    """Where the dump of a part is cut. It holds the dump's SHA-256, so the dump itself can be ancient(): else Snakemake
    would read all of it for each part to see whether it has changed."""
    return f"{CORPUS}/parts/{get_source(wildcards)}.json"


def get_templates(wildcards):
    return expand(f"{CORPUS}/templates/{{part}}.xml.gz", part=get_parts(get_source(wildcards)))


def get_part_of_dump(wildcards):
    return ancient(SOURCE_FILES[get_source(wildcards)])


def get_extract_input(wildcards):
    source = get_source(wildcards)
    if source not in INDEX_FILES:
        return {"dump": SOURCE_FILES[source]}
    return {"dump": get_part_of_dump(wildcards), "streams": get_streams(wildcards), "templates": get_templates(wildcards)}


def get_extract_flags(wildcards):
    if get_source(wildcards) not in INDEX_FILES:
        return get_flags({"cut_off": CONFIG.extract.cut_off})
    return get_flags({"streams": get_streams(wildcards), "part": get_number(wildcards),
                      "templates": get_templates(wildcards)})


def get_cleaned_input(wildcards):
    """A dump comes through `extract`; a plain text is cleaned as it is."""
    if SOURCES[get_source(wildcards)].dump:
        return f"{CORPUS}/articles/{wildcards.part}.jsonl.gz"
    return SOURCE_FILES[get_source(wildcards)]


def get_clean_flags(wildcards):
    source = get_source(wildcards)
    return get_flags({"input_format": "articles" if SOURCES[source].dump else "text",
                      "language": CONFIG.corpus.language, **plain(CONFIG.clean),
                      **({"accept_empty": True} if source in INDEX_FILES else {})})


def get_split_flags():
    return get_flags({"language": CONFIG.corpus.language, **plain(CONFIG.split), **get_gates(CorpusGates)})


def get_texts(split):
    return expand(f"{CORPUS}/text/{split}/{{source}}.txt", source=SOURCES)


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


rule cut:
    message: "Cutting the dump of {wildcards.source} into parts"
    params:
        code=code_digest("stages.cut"),
        parts=CONFIG.extract.parts,
    input:
        dump=get_source_file,
        index=get_index_file,
    output: f"{CORPUS}/parts/{{source}}.json"
    log: f"{RESULTS}/logs/cut/{{source}}.log"
    benchmark: f"{RESULTS}/benchmarks/cut/{{source}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(1000)
    shell:
        "dump2bert --log {log:q} cut --dump {input.dump:q} --index {input.index:q} --parts {params.parts} --output {output:q}"


rule templates:
    message: "Collecting the templates of {wildcards.part}"
    params:
        code=code_digest("stages.templates"),
        number=get_number,
    input:
        dump=get_part_of_dump,
        streams=get_streams,
    output: get_intermediate(f"{CORPUS}/templates/{{part}}.xml.gz")
    log: f"{RESULTS}/logs/templates/{{part}}.log"
    benchmark: f"{RESULTS}/benchmarks/templates/{{part}}.tsv"
    threads: 1
    resources: mem_mb=get_memory(500)
    shell:
        "dump2bert --log {log:q} templates --dump {input.dump:q} --streams {input.streams:q} --part {params.number}"
        " --output {output:q}"


rule extract:
    message: "Extracting the articles of {wildcards.part}"
    params:
        code=code_digest("stages.extract"),
        flags=get_extract_flags,
    input: unpack(get_extract_input)
    output:
        articles=get_intermediate(f"{CORPUS}/articles/{{part}}.jsonl.gz"),
        statistics=f"{CORPUS}/articles/{{part}}.json",
    log: f"{RESULTS}/logs/extract/{{part}}.log"
    benchmark: f"{RESULTS}/benchmarks/extract/{{part}}.tsv"
    threads: CONFIG.extract.processes
    resources: mem_mb=get_memory(2000)
    shell:
        "dump2bert --log {log:q} extract --dump {input.dump:q} {params.flags:q} --output {output.articles:q}"
        " --statistics {output.statistics:q} --processes {threads}"


rule clean:
    message: "Cleaning {wildcards.part} into sentences"
    params:
        code=code_digest("stages.clean"),
        flags=get_clean_flags,
    input: get_cleaned_input
    output:
        text=get_intermediate(f"{CORPUS}/clean/{{part}}.txt"),
        statistics=f"{CORPUS}/clean/{{part}}.json",
    log: f"{RESULTS}/logs/clean/{{part}}.log"
    benchmark: f"{RESULTS}/benchmarks/clean/{{part}}.tsv"
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
        train_dir=f"{CORPUS}/text/train",
        held_out_dir=f"{CORPUS}/text/held_out",
    input:
        text=expand(f"{CORPUS}/clean/{{part}}.txt", part=get_all_parts()),
        statistics=expand(f"{CORPUS}/clean/{{part}}.json", part=get_all_parts()),
    output:
        train=get_texts("train"),
        held_out=get_texts("held_out"),
        statistics=f"{CORPUS}/statistics.json",
    log: f"{RESULTS}/logs/split.log"
    benchmark: f"{RESULTS}/benchmarks/split.tsv"
    threads: 1
    resources: mem_mb=get_memory(4000)
    shell:
        "dump2bert --log {log:q} split {params.flags:q} --input_file {input.text:q} --part_statistics {input.statistics:q}"
        " --train_dir {params.train_dir:q} --held_out_dir {params.held_out_dir:q} --statistics {output.statistics:q}"
