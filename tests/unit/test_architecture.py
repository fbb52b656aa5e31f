"""The rules of the project that its code must keep: who imports whom, and what makes a digest change."""

import ast
import shutil
import subprocess
import sys

import pytest

from dump2bert import digest
from tests.conftest import PROJECT

SOURCE = PROJECT / "src" / "dump2bert"
MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = {path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
# Which packages a package may import from, itself and the top-level modules apart.
ALLOWED = {"training": {"nets"}, "inspection": {"training"}, "interop": {"nets"}, "tasks": {"nets", "training", "metrics"},
           "stages": PACKAGES - {"stages"}}
HEAVY = {"mindspore", "tensorflow", "tokenizers", "opencc", "sklearn", "seqeval", "torch", "numba"}


def name_of(path):
    return ".".join(("dump2bert", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def imported(path, top_only=False):
    """What a module imports: dotted names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in (tree.body if top_only else ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_packages_import_only_what_they_may(path):
    package = name_of(path).split(".")[1:2]
    own = package[0] if package and package[0] in PACKAGES else None
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "dump2bert" and len(parts) > 1 and parts[1] in PACKAGES and parts[1] != own:
            assert own is None or parts[1] in ALLOWED.get(own, ()), f"{name_of(path)} imports {name}"
        if own == "stages" and name.startswith("dump2bert.stages."):
            raise AssertionError(f"the stage {name_of(path)} imports the stage {name}")
        assert own is None or name not in ("dump2bert.cli", "dump2bert.config"), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", [SOURCE / "cli.py", SOURCE / "config.py", SOURCE / "digest.py", SOURCE / "files.py",
                                  *sorted((SOURCE / "stages").glob("*.py"))], ids=name_of)
def test_heavy_libraries_are_not_imported_by_the_command_line_or_at_the_top_of_a_stage(path):
    for name in imported(path, top_only=True):
        assert name.split(".")[0] not in HEAVY, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", sorted((SOURCE / "metrics").glob("*.py")), ids=name_of)
def test_metrics_need_neither_mindspore_nor_tensorflow(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"mindspore", "tensorflow"}


def test_help_loads_nothing_that_takes_time():
    """What keeps it below half a second (benchmarks/start_up.py)."""
    code = ("import sys\nfrom dump2bert import cli\n"
            "try: cli.main(['--help'])\nexcept SystemExit: print('loaded', *sys.modules)")
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    loaded = {name.split(".")[0] for name in printed.rpartition("loaded")[2].split()}
    assert "dump2bert" in loaded
    assert not loaded & {*HEAVY, "pydantic", "numpy", "scipy", "snakemake", "jinja2"}


def test_modules_can_be_read_in_one_sitting():
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 600, path


def files_with(pattern, *places):
    """The files under git that hold a match of an extended regular expression."""
    if not (PROJECT / ".git").exists():
        pytest.skip("the project is no git checkout, and git knows which files are its own")
    found = subprocess.run(["git", "grep", "-lE", pattern, "--", *places, ":!tests/unit/test_architecture.py"],
                           cwd=PROJECT, capture_output=True, text=True)
    assert found.returncode in (0, 1), found.stderr       # 1: nothing found; git grep failed otherwise
    return set(found.stdout.split())


def test_nothing_in_the_project_names_a_machine_path_or_an_index():
    allowed = {"Makefile"}  # `make lock` leaves the index out by --no-emit-index-url
    assert files_with(r"(^|[^A-Za-z0-9_.>}/])/(work|root|opt)/|index-url|find-links", ".") <= allowed
    assert not files_with(r"(^|[^A-Za-z0-9_.>}/])/(home|tmp)/", "src", "rules", "Makefile", "docs", "*.md")


class TestDigest:
    @pytest.fixture
    def copy(self, tmp_path, monkeypatch):
        """A copy of the package that the digest reads instead of this one."""
        shutil.copytree(SOURCE, tmp_path / "dump2bert")
        monkeypatch.setattr(digest, "PACKAGE", tmp_path / "dump2bert")
        yield tmp_path / "dump2bert"
        self.forget()    # or later tests of this process see what the copy has become

    def forget(self):
        for function in (digest.tree_of, digest.imports, digest.contents):
            function.cache_clear()

    def of(self, *roots):
        self.forget()
        return digest.code_digest(*roots)

    def test_comments_docstrings_and_formatting_do_not_count(self, copy):
        before = self.of("stages.clean")
        file = copy / "files.py"
        text = file.read_text(encoding="utf-8")
        file.write_text('"""Another docstring."""\n# and a comment\n' + text.partition('"""\n')[2].replace(" = ", "  =  "),
                        encoding="utf-8")
        assert self.of("stages.clean") == before

    def test_logic_counts_in_all_that_is_reached_and_only_there(self, copy):
        before = {root: self.of(root) for root in ("stages.clean", "stages.pretrain")}
        with open(copy / "nets" / "bert.py", "a", encoding="utf-8") as file:
            file.write("\nONE_MORE_FACT = 1\n")
        assert self.of("stages.clean") == before["stages.clean"]
        assert self.of("stages.pretrain") != before["stages.pretrain"]

    def test_data_files_beside_the_code_count(self, copy):
        before = self.of("stages.report")
        (copy / "reporting" / "one_more.css").write_text("p {}")
        assert self.of("stages.report") != before

    def test_python_311_and_312_give_the_same_digest(self):
        other = shutil.which("python3.12" if sys.version_info[:2] == (3, 11) else "python3.11")
        command = "from dump2bert.digest import code_digest; print(code_digest('stages.pretrain', 'stages.clean'))"
        done = other and subprocess.run([other, "-c", command], env={"PYTHONPATH": str(PROJECT / "src")},
                                        capture_output=True, text=True)
        if not done or done.returncode:
            pytest.skip("the other Python version is not installed")
        assert done.stdout.strip() == self.of("stages.pretrain", "stages.clean")
