"""usage: compare.py COMMITTED NEW
Compares every JSON file below COMMITTED with that of its name below NEW, number by number, and prints a line a case, as cargo's
tests do. What a program reads and computes in one pass may differ by 1e-6 + 1e-5 |b|, what it has after steps of training by
1e-5 + 1e-4 |b|, and what is unrolled over time steps by 1e-4 + 1e-3 |b|; settings and words are the same."""
import json
import pathlib
import sys

EXACT, STEPS, RECURRENT = (1e-6, 1e-5), (1e-5, 1e-4), (1e-4, 1e-3)
ONE_PASS = {"x", "y", "weights", "before", "forward", "value", "gradient"}
UNROLLED = {"LSTM", "GRU", "SimpleRNN"}


def words(tree):
    """Every class name in a configuration."""
    if isinstance(tree, dict):
        return {tree.get("class_name")}.union(*map(words, tree.values()))
    if isinstance(tree, list):
        return set().union(*map(words, tree))
    return set()


def number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def differences(path, new, old, tolerance):
    """What differs, in words."""
    if number(new) and number(old):
        absolute, relative = tolerance
        if new == old or abs(new - old) <= absolute + relative * abs(old) or (new != new and old != old):
            return []
        return [f"{path} is {new} instead of {old}"]
    if type(new) is not type(old):
        return [f"{path} is {str(new)[:60]} instead of {str(old)[:60]}"]
    if isinstance(new, dict):
        if new.keys() != old.keys():
            return [f"{path} has {sorted(new)} instead of {sorted(old)}"]
        return [d for key in old for d in differences(f"{path}.{key}" if path else key, new[key], old[key], tolerance)]
    if isinstance(new, list):
        if len(new) != len(old):
            return [f"{path} has {len(new)} entries instead of {len(old)}"]
        return [d for i, (a, b) in enumerate(zip(new, old)) for d in differences(f"{path}[{i}]", a, b, tolerance)]
    return [] if new == old else [f"{path} is {new} instead of {old}"]


def compare(new, old):
    """One case: each of its parts with a tolerance of its own."""
    if not (isinstance(new, dict) and isinstance(old, dict) and new.keys() == old.keys()):
        return differences("", new, old, EXACT)
    unrolled = old.get("recurrent") or UNROLLED & words([old.get("model"), old.get("layers")])
    steps = RECURRENT if unrolled else STEPS
    return [d for key in old for d in differences(key, new[key], old[key], EXACT if key in ONE_PASS else steps)]


def by_name(cases):
    """A file is a list of cases with names, or one thing."""
    if isinstance(cases, list) and all("name" in case for case in cases):
        named = {case["name"]: case for case in cases}
        assert len(named) == len(cases), "two cases have one name"
        return named
    return {"all": cases}


committed, made = map(pathlib.Path, sys.argv[1:])
passed = failed = 0
files = {p.relative_to(committed) for p in committed.rglob("*.json")}
for file in sorted(files):
    old, new = ((by_name(json.loads((f / file).read_text())) if (f / file).exists() else {}) for f in (committed, made))
    for name in old | new:
        if name not in new:
            found = ["is not written any more"]
        elif name not in old:
            found = ["is not committed"]
        else:
            found = compare(new[name], old[name])
        for difference in found[:5]:
            print(f"  {difference}")
        if len(found) > 5:
            print(f"  and {len(found) - 5} more")
        print(f"parity {file.with_suffix('')}: {name} ... {'FAILED' if found else 'ok'}")
        passed += not found
        failed += bool(found)
print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed;")
sys.exit(failed > 0 or passed == 0)
