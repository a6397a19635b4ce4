"""usage: predicts.py DIRECTORY keras|pytorch
Reads what ml_export() wrote, NAME.keras or NAME.pytorch, and answers the rows of NAME.csv (inputs, then what ml_predict_values()
says, each separated by spaces). Fails unless every answer is within 1e-5 of it, of its size where that is above 1."""
import csv, os, pathlib, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from snippets import snippet

out, library = pathlib.Path(sys.argv[1]), sys.argv[2]
read = snippet(f"read_{library}")
failed = False
for path in sorted(out.glob("*." + library)):
    with open(path.with_suffix(".csv")) as file:
        rows = [[np.array(cell.split(), "float32") for cell in row] for row in csv.reader(file)]
    x, wanted = (np.stack(column) for column in zip(*rows))
    if library == "keras":
        model = read["read_keras"](path.read_bytes())
        answers = model.predict(x.reshape(-1, *model.input_shape[1:]), verbose=0)
    else:
        torch = read["torch"]
        with torch.no_grad():
            answers = read["read_pytorch"](path.read_bytes())(torch.tensor(x)).numpy()
    off = np.max(np.abs(answers - wanted) / np.maximum(1, np.abs(wanted)))
    failed |= not off <= 1e-5 or len(x) < 1000
    print(f"{path.stem} in {library}: {len(x)} rows, off by {off:.1e}", flush=True)
sys.exit(failed)
