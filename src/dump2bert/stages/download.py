"""Fetch a file from one of several mirrors: checked, resumed, unpacked."""


def run(*, url, output, sha256, sums_url, member):
    from dump2bert.corpus.download import download
    download(url, output, sha256=sha256, sums_url=sums_url, member=member)
