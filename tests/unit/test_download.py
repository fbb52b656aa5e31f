"""The download code against a server on this machine that behaves like real ones, well and badly."""

import hashlib
import http.server
import io
import re
import tarfile
import threading
import zipfile

import numpy as np
import pytest

from dump2bert.corpus import download as module
from dump2bert.corpus.download import download
from dump2bert.errors import BadInput

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """GET with ranges, redirects (/moved/...), failures (/status/503/...). What it serves: server.files, .etags,
    .drops."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
            return
        status = re.fullmatch(r"/status/(\d+)/.*", self.path)
        if status or self.path not in server.files:
            self.send_error(int(status[1]) if status else 404)
            return
        content, etag = server.files[self.path], server.etags.get(self.path)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if server.does_ranges else None
        start = int(asked[1]) if asked and self.headers.get("If-Range") in (None, etag) else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        drop = server.drops.pop(0) if server.drops else None
        self.wfile.write(content[start:][:drop])
        self.close_connection = True


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.etags, server.drops, server.requests, server.does_ranges = {}, {}, [], [], True
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0, 0, 0))


def serve(server, content=CONTENT, path="/wiki.xml.bz2", etag='"one"'):
    server.files[path], server.etags[path] = content, etag
    return server.url + path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_checked_and_nothing_else_is_left(server, tmp_path):
    download([serve(server)], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT
    assert names(tmp_path) == ["dump"]


def test_file_addresses_and_paths_are_read(tmp_path):
    source = tmp_path / "a file.txt"
    source.write_bytes(CONTENT)
    download([source.as_uri()], tmp_path / "one", sha256=SHA256)
    download([str(source)], tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == CONTENT


def test_redirects_are_followed(server, tmp_path):
    serve(server)
    download([server.url + "/moved/wiki.xml.bz2"], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT


def test_a_dropped_connection_is_continued_where_it_stopped(server, tmp_path):
    url = serve(server)
    server.drops = [300_000, 200_000]
    download([url], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT
    assert [range_ for _, range_ in server.requests] == [None, "bytes=300000-", "bytes=500000-"]


def test_a_line_that_breaks_ever_again_brings_the_file_as_long_as_each_try_brings_some(server, tmp_path):
    url = serve(server)
    server.drops = [50_000] * 15
    download([url], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT and len(server.requests) == 16


def test_the_next_run_goes_on_from_the_part_that_an_earlier_one_left(server, tmp_path):
    url = serve(server)
    server.drops = [100_000, 3, 0, 0, 0]
    with pytest.raises(BadInput, match=r"ended after \d+ of 1024000 bytes; the 100003 bytes so far are kept in"):
        download([url], tmp_path / "dump", sha256=SHA256)
    assert not (tmp_path / "dump").exists()
    server.requests.clear()
    download([url], tmp_path / "dump", sha256=SHA256)
    assert server.requests == [("/wiki.xml.bz2", "bytes=100003-")]
    assert names(tmp_path) == ["dump"]


def test_a_file_that_changed_on_the_server_is_fetched_anew(server, tmp_path):
    url = serve(server, content=b"old" * 100_000)
    server.drops = [1000, 0, 0, 0]
    with pytest.raises(BadInput):
        download([url], tmp_path / "dump")
    serve(server, etag='"two"')
    download([url], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT


def test_a_kill_before_the_old_part_is_emptied_joins_nothing(server, tmp_path, monkeypatch):
    url = serve(server, content=b"old" * 400_000)
    server.drops = [1000, 0, 0, 0]
    with pytest.raises(BadInput):
        download([url], tmp_path / "dump")

    def killed(*_):
        raise KeyboardInterrupt

    serve(server, etag='"two"')
    monkeypatch.setattr(module, "open", killed, raising=False)      # of the part, when its new identity is written
    with pytest.raises(KeyboardInterrupt):
        download([url], tmp_path / "dump")
    monkeypatch.undo()
    download([url], tmp_path / "dump")
    assert (tmp_path / "dump").read_bytes() == CONTENT


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_identity_nothing_is_joined(server, tmp_path, etag):
    url = serve(server, etag=etag)
    server.drops = [1000]
    download([url], tmp_path / "dump", sha256=SHA256)
    assert [range_ for _, range_ in server.requests] == [None, None]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, tmp_path):
    url = serve(server)
    server.does_ranges, server.drops = False, [1000]
    download([url], tmp_path / "dump", sha256=SHA256)
    assert (tmp_path / "dump").read_bytes() == CONTENT


def test_a_part_that_is_complete_is_not_fetched_again(server, tmp_path, monkeypatch):
    url = serve(server)
    monkeypatch.setattr(module, "finish", lambda *arguments: None)    # as if killed after the last byte
    download([url], tmp_path / "dump")
    monkeypatch.undo()
    download([url], tmp_path / "dump", sha256=SHA256)
    assert server.requests[1:] == [("/wiki.xml.bz2", "bytes=1024000-")]
    assert (tmp_path / "dump").read_bytes() == CONTENT


def test_a_wrong_checksum_names_both_sums_and_keeps_nothing(server, tmp_path):
    with pytest.raises(BadInput, match=f"has the sha256 {SHA256}, but {'0' * 64} is expected"):
        download([serve(server)], tmp_path / "dump", sha256="0" * 64)
    assert names(tmp_path) == []


def test_mirrors_are_tried_in_order_until_one_serves_the_right_file(server, tmp_path):
    wrong = serve(server, content=b"no dump", path="/wrong/wiki.xml.bz2")
    urls = [server.url + "/absent", wrong, serve(server), server.url + "/never/asked"]
    download(urls, tmp_path / "dump", sha256=SHA256)
    assert [path for path, _ in server.requests] == ["/absent", "/wrong/wiki.xml.bz2", "/wiki.xml.bz2"]
    assert names(tmp_path) == ["dump"]


def test_when_all_mirrors_fail_each_ones_reason_is_said(server, tmp_path):
    with pytest.raises(BadInput, match="/a answers 404 Not Found; .*/status/403/b answers 403"):
        download([server.url + "/a", server.url + "/status/403/b"], tmp_path / "dump")


def test_a_busy_server_is_asked_again(server, tmp_path):
    with pytest.raises(BadInput, match="answers 503"):
        download([server.url + "/status/503/a"], tmp_path / "dump")
    assert len(server.requests) == 4


@pytest.mark.parametrize("url, said", [
    ("http://127.0.0.1:9/x", "127.0.0.1:9 refuses the connection"),
    ("http://no-such-host.invalid/x", "the host no-such-host.invalid is not known"),
    ("file:///no/such/file", "/no/such/file cannot be read: No such file"),
    ("gopher://host/x", "only https, http, file and paths are known"),
    ("http://[::1/x", "is no address: Invalid IPv6 URL"), ("http:///x", "is no address: it names no host"),
    ("http://127.0.0.1:abc/x", "is no address: Port could not be cast"),
])
def test_what_cannot_be_reached_is_said_in_one_sentence(tmp_path, url, said):
    with pytest.raises(BadInput, match=said):
        download([url], tmp_path / "dump")


def test_addresses_with_letters_of_any_script_and_spaces_are_escaped_once(server, tmp_path):
    path = "/%E7%BB%B4%E5%9F%BA%20a.xml"
    serve(server, path=path)
    for number, name in enumerate(("/维基 a.xml", path)):
        download([server.url + name], tmp_path / str(number), sha256=SHA256)


def test_an_answer_without_the_range_that_it_is_counts_as_another():
    assert module.content_range("") == (None, None) and module.content_range("bytes 5-9/10") == (5, 10)


def test_an_empty_answer_is_no_file(server, tmp_path):
    url = serve(server, b"")
    with pytest.raises(BadInput, match="wiki.xml.bz2 is empty"):
        download([url], tmp_path / "dump")
    assert names(tmp_path) == []
    serve(server)
    download([url], tmp_path / "dump", sha256=SHA256)


def test_a_silent_server_times_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    monkeypatch.setattr(module, "PAUSES", ())
    import socket
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(BadInput, match="no answer within 0.1 s"):
            download([f"http://127.0.0.1:{silent.getsockname()[1]}/x"], tmp_path / "dump")


def test_a_full_disk_is_said_and_the_part_is_kept(server, tmp_path, monkeypatch):
    def full(answer, file, *arguments):
        file.write(answer.read(1000))
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(module, "copy", full)
    with pytest.raises(BadInput, match="the disk of .* is full; the 1000 bytes so far are kept"):
        download([serve(server)], tmp_path / "dump")


def test_an_output_folder_that_cannot_be_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file cannot be written"):
        download([serve(server)], tmp_path / "file" / "dump")


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("line", ["{sum}  wiki.xml.bz2", "{sum} *wiki.xml.bz2", "{sum}  20240101/wiki.xml.bz2"])
def test_the_checksum_comes_from_the_mirrors_sums_file(server, tmp_path, algorithm, line):
    sums = f"{'0' * 32}  other.xml\n" + line.format(sum=hashlib.new(algorithm, CONTENT).hexdigest()) + "\n"
    sums_url = serve(server, content=sums.encode(), path="/sums.txt")
    download([serve(server)], tmp_path / "dump", sums_url=sums_url)
    assert names(tmp_path) == ["dump"]
    serve(server, content=CONTENT + b"!")
    with pytest.raises(BadInput, match="is expected"):
        download([server.url + "/wiki.xml.bz2"], tmp_path / "dump2", sums_url=sums_url)
    assert names(tmp_path) == ["dump"]


def test_dated_names_in_the_sums_file_stand_for_latest(server, tmp_path):
    sums = (f"{SHA256}  zhwiki-20240101-pages-articles.xml.bz2\n"
            f"{'0' * 64}  zhwiki-20240101-pages-articles-multistream.xml.bz2\n")
    sums_url = serve(server, content=sums.encode(), path="/zhwiki-latest-sha256sums.txt")
    download([serve(server, path="/zhwiki-latest-pages-articles.xml.bz2")], tmp_path / "dump", sums_url=sums_url)
    assert names(tmp_path) == ["dump"]


def test_a_sums_file_without_the_file_says_what_it_lists(server, tmp_path):
    sums_url = serve(server, content=f"{SHA256}  other.xml\n".encode(), path="/sums.txt")
    with pytest.raises(BadInput, match="has no sum for wiki.xml.bz2; it lists other.xml"):
        download([serve(server)], tmp_path / "dump", sums_url=sums_url)


def archive_of(kind, members):
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=file, mode=f"w:{kind}") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["zip", "", "gz", "bz2", "xz"])
def test_a_member_is_picked_out_of_an_archive(server, tmp_path, kind):
    packed = archive_of(kind, {"model/config.json": b"{}", "./model/vocab.txt": b"[PAD]\n"})
    download([serve(server, packed)], tmp_path / "vocab.txt", sha256=hashlib.sha256(packed).hexdigest(),
             member="model/vocab.txt")
    assert (tmp_path / "vocab.txt").read_bytes() == b"[PAD]\n"
    assert names(tmp_path) == ["vocab.txt"]


def test_a_wrong_member_lists_what_is_there_and_the_archive_need_not_come_again(server, tmp_path):
    url = serve(server, archive_of("zip", {"a.txt": b"a", "b.txt": b"b"}))
    with pytest.raises(BadInput, match="has no member c.txt; it holds a.txt, b.txt"):
        download([url], tmp_path / "out", member="c.txt")
    assert not (tmp_path / "out").exists()
    download([url], tmp_path / "out", member="b.txt")
    assert (tmp_path / "out").read_bytes() == b"b"


@pytest.mark.parametrize("kind", ["zip", "gz", "bz2", "xz"])
def test_a_damaged_archive_is_not_kept_but_fetched_anew(server, tmp_path, kind):
    content = np.random.default_rng(1).bytes(300_000)
    sound = archive_of(kind, {"a.txt": content, "b.txt": b"b"})
    damaged = bytearray(sound)
    damaged[len(sound) // 2] ^= 1
    url = serve(server, bytes(damaged))
    with pytest.raises(BadInput, match="nothing was kept, the same command fetches it anew"):
        download([url], tmp_path / "out", member="a.txt")
    assert names(tmp_path) == []
    serve(server, sound)
    download([url], tmp_path / "out", member="a.txt")
    assert (tmp_path / "out").read_bytes() == content


@pytest.mark.parametrize("content, said", [
    (CONTENT, "is no sound zip or tar archive"),
    (archive_of("gz", {"a.txt": bytes(99_000)})[:-20], "cannot be unpacked"),
])
def test_a_broken_archive_is_said(server, tmp_path, content, said):
    with pytest.raises(BadInput, match=said):
        download([serve(server, content)], tmp_path / "out", member="a.txt")
    assert not (tmp_path / "out").exists()
