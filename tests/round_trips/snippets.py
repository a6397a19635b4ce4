"""The Python of docs/travel.md, as it is printed there: each block begins with its name in a comment."""
import pathlib, re

page = (pathlib.Path(__file__).parents[2] / "docs/travel.md").read_text()


def snippet(name):
    """What the block of this name defines."""
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if block.startswith(f"# {name}\n")]
    defined = {}
    exec(compile(block, f"docs/travel.md: {name}", "exec"), defined)
    return defined
