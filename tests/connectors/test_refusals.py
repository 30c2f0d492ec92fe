"""Why a delivery is refused stands in the log, so the verifiers' sentences are fixed: they quote no delivery and no secret."""

from __future__ import annotations

import ast
from pathlib import Path

import connectors

ROOT = Path(connectors.__file__).parent


def is_refusal(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DeliveryRejected"


def said_by(function: ast.FunctionDef | ast.AsyncFunctionDef, module: ast.Module) -> list[ast.expr]:
    """Return what a function refuses with; of a sentence that it is given, what its callers give."""
    found: list[ast.expr] = []
    names = [each.arg for each in function.args.args]
    for node in ast.walk(function):
        if not (isinstance(node, ast.Call) and is_refusal(node)):
            continue
        (sentence,) = node.args
        if not (isinstance(sentence, ast.Name) and sentence.id in names):
            found.append(sentence)
            continue
        place = names.index(sentence.id)
        calls = [
            call
            for call in ast.walk(module)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function.name
        ]
        assert calls
        found += [call.args[place] for call in calls]
    return found


def test_every_refusal_is_a_sentence_that_quotes_nothing() -> None:
    sentences: list[str] = []
    for path in sorted(ROOT.rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        said = [each for function in functions for each in said_by(function, module)]
        assert bool(said) == any(is_refusal(node) for node in ast.walk(module)), (
            f"{path}: a refusal outside of functions"
        )
        for each in said:
            where = f"{path.relative_to(ROOT)}:{each.lineno}"
            assert isinstance(each, ast.Constant), f"{where} puts a refusal together: it may quote what was sent"
            assert isinstance(each.value, str), where
            assert " " in each.value
            assert each.value.endswith("."), f"{where} is no sentence: {each.value}"
            sentences.append(each.value)
    assert len(sentences) > 30
