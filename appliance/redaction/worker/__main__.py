"""Shut the doors, then load: no library is imported before the process is confined."""

import sys
from importlib import import_module
from typing import Final

from appliance.redaction.worker.confine import confine, go_first, perish
from appliance.redaction.worker.shut import shut

RECOGNISERS: Final = "appliance.redaction.recognisers.ours"


def main(arguments: list[str], recognisers: str = RECOGNISERS) -> int:
    """`arguments`: of each model its folder, and the sha256 of its manifest. `recognisers`: the module `ours` is in."""
    go_first()
    listen, speak = confine()
    shut()
    perish(60.0)  # a load that hangs ends by itself, should nobody be left to end it
    loaded = import_module("appliance.redaction.worker.serve")
    ours = import_module(recognisers).ours
    return int(loaded.serve(listen, speak, arguments, ours))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
