"""The Python of docs/travel.md, as it is printed there: each block begins with its name in a comment."""
import pathlib, re

page = (pathlib.Path(__file__).parents[2] / "docs/travel.md").read_text()
for block in re.findall(r"```python\n(.*?)```", page, re.S):
    exec(compile(block, "docs/travel.md: " + block.splitlines()[0], "exec"))
