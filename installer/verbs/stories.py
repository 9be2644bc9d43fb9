"""The order of steps of every verb, by which an interrupted one is also taken back or finished."""

from installer.steps.build import Environments, Inventory, Place
from installer.steps.keep import Blobs, Clean, Record
from installer.steps.site import Establish, Wrappers
from installer.steps.stage import Copy, Verify
from installer.steps.turn import Halt, Smoke, Start, Switch
from installer.transaction import Story

INSTALL = Story(
    before=(
        *(Copy(), Verify(), Environments(), Inventory(), Place()),
        *(Wrappers(), Establish(), Switch(), Start(), Smoke()),
    ),
    after=(Record(), Blobs(), Clean()),
)
UPGRADE = Story(
    before=(
        *(Copy(), Verify(), Environments(), Inventory(), Place()),
        *(Halt(), Switch(), Start(), Smoke()),
    ),
    after=(Record(), Blobs(), Clean()),
)
STORIES = {"install": INSTALL, "upgrade": UPGRADE}
