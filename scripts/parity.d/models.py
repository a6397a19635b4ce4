"""usage: models.py LAYERS.JSON WRITTEN.JSON
Hands what tablenet writes of the models in LAYERS.JSON to keras.models.model_from_json: the model has to be that of Keras's own text, with
the same configuration and the same summary. A line a model, as cargo's tests print them."""
import json
import sys

import keras

committed, written = (json.load(open(path)) for path in sys.argv[1:])
assert len(committed) == len(written), "another number of models"


def described(text):
    """The configuration of a model, and its summary."""
    keras.utils.clear_session()
    model = keras.models.model_from_json(text)
    model.build(model.input_shape)
    lines = []
    model.summary(print_fn=lines.append)
    config = model.get_config()
    # tablenet has no names of models.
    config.pop("name")
    return json.dumps(config, indent=1, sort_keys=True).splitlines(), "\n".join(lines).splitlines()[1:]


passed = failed = 0
for entry, ours in zip(committed, written):
    found = []
    try:
        for wanted, got in zip(described(json.dumps(entry["model"])), described(json.dumps(ours))):
            found += [f"{b.strip()} instead of {a.strip()}" for a, b in zip(wanted, got) if a != b]
            found += [] if len(wanted) == len(got) else [f"{len(got)} lines instead of {len(wanted)}"]
    except Exception as error:
        found.append(f"{type(error).__name__}: {str(error)[:200]}")
    for difference in found[:5]:
        print(f"  {difference}")
    print(f"parity model_from_json: {entry['name']} ... {'FAILED' if found else 'ok'}")
    passed += not found
    failed += bool(found)
print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed;")
sys.exit(failed > 0 or passed == 0)
