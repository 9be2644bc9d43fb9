"""The order of steps of every verb, by which an interrupted one is also taken back or finished."""

from installer.steps.audit import Audit
from installer.steps.back import Reverify
from installer.steps.build import Environments, Inventory, Place
from installer.steps.data import Backup, Restore, Widen, WidenStopped
from installer.steps.keep import Blobs, Clean, Record
from installer.steps.leave import Account, Forget, KeyDestroyed, Leave, Removed, Stopped
from installer.steps.site import Establish, Wrappers
from installer.steps.stage import Copy, Verify
from installer.steps.turn import Halt, Smoke, Start, Switch
from installer.steps.vouch import Vouch
from installer.transaction import Story

STAGED = (Copy(), Verify(), Environments(), Inventory(), Place(), Audit())
TURNED = (Switch(), Start(), Smoke())
INSTALL = Story(before=(*STAGED, Wrappers(), Establish(), Vouch(), *TURNED), after=(Record(), Blobs(), Clean()))
UPGRADE = Story(
    before=(*STAGED, Backup(), Widen(), Halt(), WidenStopped(), Vouch(), *TURNED),
    after=(Record(), Blobs(), Clean()),
)
ROLLBACK = Story(before=(Reverify(), Halt(), Restore(), *TURNED), after=(Record(), Clean()))
UNINSTALL = Story(before=(), after=(Stopped(), Removed(), Forget()))
PURGE = Story(before=(), after=(Stopped(), KeyDestroyed(), Removed(), Account()), last=Leave())
STORIES = {"install": INSTALL, "upgrade": UPGRADE, "rollback": ROLLBACK, "uninstall": UNINSTALL, "purge": PURGE}
