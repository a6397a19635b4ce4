"""usage: predicts.py DIRECTORY
Reads what ml_export() wrote, NAME.keras and NAME.pytorch, and answers the rows of NAME.csv (inputs, then what ml_predict_values()
says, each separated by spaces). Fails unless every answer is within 1e-5 of it, of its size where that is above 1."""
import csv, os, pathlib, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, torch
from snippets import read_keras, read_pytorch

failed = False
for table in sorted(pathlib.Path(sys.argv[1]).glob("*.csv")):
    with open(table) as file:
        rows = [[np.array(cell.split(), "float32") for cell in row] for row in csv.reader(file)]
    x, wanted = (np.stack(column) for column in zip(*rows))
    for format in ("keras", "pytorch"):
        path = table.with_suffix("." + format)
        if not path.exists():
            continue
        data = path.read_bytes()
        if format == "keras":
            model = read_keras(data)
            answers = model.predict(x.reshape(-1, *model.input_shape[1:]), verbose=0)
        else:
            with torch.no_grad():
                answers = read_pytorch(data)(torch.tensor(x)).numpy()
        off = np.max(np.abs(answers - wanted) / np.maximum(1, np.abs(wanted)))
        failed |= not off <= 1e-5 or len(x) < 1000
        print(f"{table.stem} in {format}: {len(x)} rows, off by {off:.1e}", flush=True)
sys.exit(failed)
