"""Prints the table of docs/defaults.md: means of five seeds. usage: report.py RESULTS.jsonl"""

import json
import sys
from collections import defaultdict

import numpy as np

WAYS = ["tablenet", "sklearn", "searched"]


def main():
    runs, groups, sizes = defaultdict(list), {}, {}
    with open(sys.argv[1]) as lines:
        for run in map(json.loads, lines):
            runs[run["table"], run["way"]].append(run)
            groups[run["table"]], sizes[run["table"]] = run["group"], run["rows"]
    for group in ("chosen", "confirmed"):
        names = [name for name in groups if groups[name] == group]
        if not names:
            continue
        print(f"\n### Tables the defaults were {'chosen' if group == 'chosen' else 'confirmed'} on\n")
        print("| table | rows | figure | tablenet | scikit-learn (64, 64) | the best of six of them | epochs | seconds | seconds of scikit-learn |")
        print("|---|---|---|---|---|---|---|---|---|")
        ratios = defaultdict(list)
        for name in names:
            mean = {}
            figure = "RMSE / deviation" if "rmse" in runs[name, "tablenet"][0] else "log loss"
            for way in WAYS:
                found = runs.get((name, way))
                if found:
                    mean[way] = np.mean([run["rmse"] / max(run["sd"], 1e-9) if "rmse" in run else run["log_loss"] for run in found])
            for way in mean:
                ratios[way].append((mean["tablenet"] + 0.01) / (mean[way] + 0.01))
            best = min(mean.values())
            cells = [("**%.4f**" if mean[way] == best else "%.4f") % mean[way] if way in mean else "" for way in WAYS]
            ours, theirs = runs[name, "tablenet"], runs[name, "sklearn"]
            average = lambda found, key: np.mean([run[key] for run in found])
            print(f"| {name} | {sizes[name]:,} | {figure} | {' | '.join(cells)} | {average(ours, 'epochs'):.0f} "
                  f"| {average(ours, 'seconds'):.2f} | {average(theirs, 'seconds'):.2f} |")
        for way in WAYS[1:]:
            if ratios[way]:
                print(f"\nGeometric mean of tablenet's figures over those of `{way}` (both + 0.01): **{np.exp(np.mean(np.log(ratios[way]))):.3f}** "
                      f"({len(ratios[way])} tables, {sum(r < 1 for r in ratios[way])} of them better).")
    print()
    for name, key in (("penguins", "log_loss"), ("penguins", "accuracy"), ("diamonds", "rmse")):
        for way in WAYS:
            if (name, way) in runs:
                print(f"{name}, {key}, {way}: {', '.join('%.4g' % run[key] for run in runs[name, way])}  ")


if __name__ == "__main__":
    main()
