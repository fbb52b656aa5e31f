"""A digest of the code that a stage can execute, so that only a change of logic makes results stale.

Snakemake gets the digest as a parameter of each rule. It covers the import closure of the stage's module (read from the
syntax trees, nothing is imported) and the data files of the packages reached. Formatting, comments and docstrings do not
count. cli.py and config.py stand outside: a stage receives plain values, and those are parameters themselves.

What a stage loads by choice (a task kind, the CRF) is loaded with `load`, which the closure does not follow: the rule
names it as one more root where the option is chosen.
"""

import ast
import functools
import hashlib
import importlib
from pathlib import Path

PACKAGE = Path(__file__).parent
OUTSIDE = {"dump2bert.cli", "dump2bert.config"}


def load(name):
    """Import dump2bert.<name>, a module that is used only where an option asks for it."""
    return importlib.import_module(f"dump2bert.{name}")


def code_digest(*roots):
    """Hex digest (16 digits) of all code that the modules `roots` ("stages.clean", "nets.crf") reach."""
    sha = hashlib.sha256()
    for name, content in sorted({item for module in closure(*roots) for item in contents(module)}):
        sha.update(f"{name}\0{content}\0".encode())
    return sha.hexdigest()[:16]


def closure(*roots):
    """Names of the dump2bert modules that `roots` import, directly or not, the roots and their packages included."""
    found, todo = set(), [f"dump2bert.{root}" for root in roots]
    while todo:
        module = todo.pop()
        if module in found or module in OUTSIDE:
            continue
        found.add(module)
        todo.extend(imports(module))
        if "." in module:
            todo.append(module.rpartition(".")[0])
    return found


def source_of(module):
    """The file of a module of this package, or None where there is none of that name."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    for file in (path.with_suffix(".py") if path != PACKAGE else path / "__init__.py", path / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def tree_of(module):
    source = source_of(module)
    if source is None:
        raise ValueError(f"there is no module {module}")
    return ast.parse(source.read_bytes())


@functools.cache
def imports(module):
    """The dump2bert modules that a module's import statements name, wherever in the module they stand."""
    names = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module} has a relative import; write it in full, so that its digest can follow it")
            names.update([node.module], (f"{node.module}.{alias.name}" for alias in node.names))
    return {name for name in names if name.split(".")[0] == "dump2bert" and source_of(name)}


@functools.cache
def contents(module):
    """(name, normalised content) of a module, and of the data files beside it where it is a package."""
    source = source_of(module)
    found = [(module, normalised(tree_of(module)))]
    if source.name == "__init__.py" and source.parent != PACKAGE:
        found += [(f"{module}/{file.name}", hashlib.sha256(file.read_bytes()).hexdigest())
                  for file in sorted(source.parent.iterdir())
                  if file.is_file() and file.suffix not in (".py", ".pyc") and not file.name.startswith(".")]
    return tuple(found)


def normalised(node):
    """A text of the syntax tree without positions, docstrings and empty fields, so equal on Python 3.11 and 3.12.

    (ast.dump shows fields that newer versions have added; those are empty in code that both versions can run.)
    """
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if name == "body" and has_docstring(node):
                value = value[1:]
            if value is not None and value != [] and name not in ("type_comment", "kind"):
                fields.append(f"{name}={normalised(value)}")
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(normalised, node))}]"
    return repr(node)


def has_docstring(node):
    return isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) \
        and ast.get_docstring(node, clean=False) is not None
